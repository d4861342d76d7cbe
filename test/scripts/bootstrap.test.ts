import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkoutFolder } from '../support/npm.ts'

const installed = 'node_modules/.package-lock.json'
const packagedNode = 'node_modules/node/bin/node'
/** Makes a process say that it is Node 20, which is too old for the project. */
const old = [
  '--import',
  `data:text/javascript,Object.defineProperty(process, 'version', { value: 'v20.20.2' })`,
]

/** A checkout with nothing in it but the bootstrap, and with a script in the place of npm. */
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hooktide-bootstrap-'))
  await cp(join(checkoutFolder, 'scripts/bootstrap.mjs'), join(root, 'scripts/bootstrap.mjs'))
  await place('package-lock.json', '{}')
  await place('program.mjs', `console.log('program', ...process.argv.slice(2), process.cwd())`)
  await setNpm(`echo "$@" >> asked; mkdir -p node_modules; touch ${installed}`)
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function place(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
  await chmod(join(root, path), 0o755)
}

function setNpm(script: string): Promise<void> {
  return place('bin/npm', `#!/bin/sh\n${script}\n`)
}

/** What npm was asked for, one call a line. */
async function askedOfNpm(): Promise<readonly string[]> {
  const text = await readFile(join(root, 'asked'), 'utf8').catch(() => '')
  return text.split('\n').slice(0, -1)
}

/** As if the installation had ended at that moment. */
async function setInstalled(at: Date): Promise<void> {
  await place(installed, '{}')
  await utimes(join(root, installed), at, at)
}

function start(words: readonly string[], flags: readonly string[] = []) {
  const child = spawn(process.execPath, [...flags, join(root, 'scripts/bootstrap.mjs'), ...words], {
    env: { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, which stands for what a terminal sends Ctrl-C to.
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  const says = (words: string) =>
    new Promise<void>((resolve) => {
      const look = () => void (stdout.includes(words) && resolve())
      child.stdout.on('data', look)
      look()
    })
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
  return { pid: child.pid ?? 0, says, ended }
}

describe('the start of a script of npm', () => {
  it('installs the packages of a fresh clone, then runs the program with its arguments', async () => {
    const { code, stdout } = await start(['program.mjs', 'a', 'b']).ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: `program a b ${root}\n` })
    expect(await askedOfNpm()).toEqual([expect.stringMatching(/^install --no-save /)])
  })

  it('asks npm for nothing once the packages are installed', async () => {
    await setInstalled(new Date(Date.now() + 60_000))
    expect(await start(['program.mjs']).ended).toMatchObject({ code: 0, stderr: '' })
    expect(await askedOfNpm()).toEqual([])
  })

  it('installs again when package-lock.json is newer than the installation', async () => {
    await setInstalled(new Date(0))
    expect(await start(['program.mjs']).ended).toMatchObject({ code: 0 })
    expect(await askedOfNpm()).toHaveLength(1)
  })

  it('ends with the exit code of npm when npm fails, and says what to do', async () => {
    await setNpm('exit 7')
    const { code, stdout, stderr } = await start(['program.mjs']).ended
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' })
    expect(stderr).toContain(
      'npm could not install the packages. Correct what it says above, and start',
    )
  })

  it('runs the program on the Node of the package "node" where the machine has an older one', async () => {
    await setNpm(`mkdir -p node_modules/node/bin; touch ${installed}
      printf '#!/bin/sh\\necho packaged "$@"\\n' > ${packagedNode}; chmod +x ${packagedNode}`)
    const { code, stdout } = await start(['program.mjs', 'a'], old).ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'packaged program.mjs a\n' })
  })

  it('says how to get a Node where the package "node" has no program', async () => {
    const { code, stdout, stderr } = await start(['program.mjs'], old).ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /^This is Node v20\.20\.2, and .* need Node 24\. .* Run "npm rebuild node --ignore-scripts=false", or install Node 24\.$/m,
    )
  })

  it('says so when the Node of the package does not run on this machine', async () => {
    await setInstalled(new Date(Date.now() + 60_000))
    await place(packagedNode, '#!/nowhere\n')
    const { code, stderr } = await start(['program.mjs'], old).ended
    expect(code).toBe(127)
    expect(stderr).toMatch(
      /node_modules\/node\/bin\/node does not start: .* Install Node 24, and remove that file\.\n$/,
    )
  })
})

describe('a program of a script of npm', () => {
  const waiting = `
    setInterval(() => {}, 1_000_000)
    for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => console.log(name))
    process.on('SIGTERM', () => process.exit(3))
    console.log('begun')`

  beforeEach(() => setInstalled(new Date(Date.now() + 60_000)))

  it('gives its exit code', async () => {
    await place('program.mjs', 'process.exit(5)')
    expect(await start(['program.mjs']).ended).toMatchObject({ code: 5 })
  })

  it('gives 128 + n when signal n ends it', async () => {
    await place('program.mjs', `process.kill(process.pid, 'SIGKILL')`)
    expect(await start(['program.mjs']).ended).toMatchObject({ code: 137 })
  })

  it('gets Ctrl-C once, from the terminal, though npm passes it on', async () => {
    await place('program.mjs', waiting)
    const script = start(['program.mjs'])
    await script.says('begun')
    process.kill(script.pid, 'SIGINT')
    process.kill(-script.pid, 'SIGINT')
    await script.says('SIGINT')
    process.kill(script.pid, 'SIGTERM')
    const { code, stdout } = await script.ended
    expect({ code, lines: stdout.trim().split('\n') }).toEqual({
      code: 3,
      lines: ['begun', 'SIGINT', 'SIGTERM'],
    })
  })
})
