/**
 * The examples of the documents as files: their fenced blocks that name one (```` ```ts file=receiver.ts ````), written to a folder of
 * their own within the checkout, so that packages resolve from there. So the tests run exactly what a reader copies.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { documents } from './docs.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The type settings of a reader's own project: strict, and with only what the package exports. */
const tsconfig = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    paths: { hooktide: ['../src/index.ts'] },
  },
  include: ['*.ts'],
}

export interface DocExamples extends AsyncDisposable {
  readonly folder: string
  readonly names: readonly string[]
  /** Runs an example as a program of its own. */
  start(name: string, options?: ExampleOptions): RunningExample
}

export interface ExampleOptions {
  readonly args?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export interface RunningExample extends AsyncDisposable {
  /** What it printed so far, line by line. */
  readonly lines: readonly string[]
  /** What it wrote to standard error so far. */
  complaints(): string
  /** Resolves with the first line that matches, even if it was printed before. Rejects when the program ends without one. */
  waitForLine(fits: (line: string) => boolean): Promise<string>
  /** Resolves with its standard error when it ends with 0, and rejects with it otherwise. */
  readonly finished: Promise<string>
}

/** @param replaced texts of the documents that a reader replaces, such as the broker's address */
export async function writeDocExamples(
  replaced: Readonly<Record<string, string>> = {},
): Promise<DocExamples> {
  const folder = await mkdtemp(`${root}.docs-`)
  const blocks = documents().flatMap(({ text }) => [
    ...text.matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms),
  ])
  const names: string[] = []
  for (const [, name = '', code = ''] of blocks) {
    if (names.includes(name)) throw new Error(`the documents have ${name} twice`)
    names.push(name)
    await writeFile(`${folder}/${name}`, replaceAll(code, replaced))
  }
  await writeFile(`${folder}/tsconfig.json`, JSON.stringify(tsconfig))
  return {
    folder,
    names,
    start: (name, options = {}) => startExample(folder, name, options),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

/** Replaces in one pass, so that no replacement is replaced again. */
function replaceAll(code: string, replaced: Readonly<Record<string, string>>): string {
  const texts = Object.keys(replaced)
  if (texts.length === 0) return code
  const any = new RegExp(texts.map((text) => text.replaceAll('.', '\\.')).join('|'), 'g')
  return code.replaceAll(any, (text) => replaced[text] ?? text)
}

/** Runs a program of a folder. */
export function startExample(
  folder: string,
  name: string,
  options: ExampleOptions,
): RunningExample {
  const program = name.endsWith('.sh') ? 'sh' : process.execPath
  const child = spawn(program, [name, ...(options.args ?? [])], {
    cwd: folder,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // A test that timed out disposes of nothing. The end of its worker does.
  const end = () => void child.kill('SIGKILL')
  process.once('exit', end)
  const lines: string[] = []
  const onLine = new Set<() => void>()
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const check of onLine) check()
  })
  const finished = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('exit', end)
      if (code === 0) resolve(stderr)
      else reject(new Error(`${name} ended (${code ?? signal}):\n${lines.join('\n')}\n${stderr}`))
    })
  })
  finished.catch(() => undefined)
  return {
    lines,
    complaints: () => stderr,
    finished,
    waitForLine(fits) {
      const found = new Promise<string>((resolve) => {
        const check = () => {
          const line = lines.find(fits)
          if (line === undefined) return
          onLine.delete(check)
          resolve(line)
        }
        onLine.add(check)
        check()
      })
      const missed = finished.then((said) => {
        throw new Error(`${name} ended without it:\n${lines.join('\n')}\n${said}`)
      })
      return Promise.race([found, missed])
    },
    async [Symbol.asyncDispose]() {
      end()
      await finished.catch(() => undefined)
    },
  }
}
