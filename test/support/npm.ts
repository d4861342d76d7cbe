/** npm as a child process, also on a machine without a registry. */
import { execFile, type ExecFileException } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const checkoutFolder = fileURLToPath(new URL('../..', import.meta.url))

/** The registry does not answer, and the cache lacks something that is needed. */
export class RegistryAway extends Error {}

const networkFault =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|E50\d)\b/

/** @returns what it printed. @throws RegistryAway if it failed because of the network */
export async function npm(folder: string, ...args: readonly string[]): Promise<string> {
  try {
    return await runToEnd('npm', args, folder)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    if (networkFault.test(said)) throw new RegistryAway(said, { cause: error })
    throw error
  }
}

/** Runs a program to its end. @throws Error with its whole output when its exit code is not 0 */
export async function runToEnd(
  program: string,
  args: readonly string[],
  folder: string,
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const done = (error: ExecFileException | null, stdout: string, stderr: string) => {
      if (error === null) resolve(stdout)
      else
        reject(new Error(`${program} ${args.join(' ')}:\n${stdout}\n${stderr}`, { cause: error }))
    }
    execFile(program, [...args], { cwd: folder }, done)
  })
}

/**
 * A Node of that version, from the user's cache folder or, once, from the registry.
 * @throws RegistryAway when it is in neither, or not for this platform
 */
export async function findNodeRelease(version: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`
  const base = process.env['XDG_CACHE_HOME'] ?? ''
  const cache = join(
    base === '' ? join(homedir(), '.cache') : base,
    'hooktide',
    `${name}-${version}`,
  )
  if (!existsSync(cache)) {
    await mkdir(dirname(cache), { recursive: true })
    const target = await mkdtemp(`${cache}.`)
    try {
      await npm(
        target,
        'install',
        '--no-audit',
        '--no-fund',
        '--prefix',
        target,
        `${name}@${version}`,
      )
      // Another process may have been faster. Its folder is equally good.
      if (!existsSync(cache)) await rename(target, cache)
    } finally {
      await rm(target, { recursive: true, force: true })
    }
  }
  return join(cache, 'node_modules', name, 'bin/node')
}
