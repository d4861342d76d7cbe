/** The real command line as a child process, as an operator starts it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A command line: the program, and the Node that runs it, with its options. */
export interface Program {
  readonly node: string
  readonly options?: readonly string[]
  readonly script: string
}

const checkout: Program = {
  node: process.execPath,
  script: fileURLToPath(new URL('../../src/cli.ts', import.meta.url)),
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export function hooktide(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input = '',
  program = checkout,
): Promise<Finished> {
  const child = start(args, environment, program)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin?.end(input)
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string }

/** `hooktide run` or `hooktide ingest` as a process of its own. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number
  /** Port of its status pages, once it listens. */
  readonly port: Promise<number>
  readonly lines: readonly LogLine[]
  /** What it has written to standard error so far. */
  errorOutput(): string
  /**
   * Resolves with the first log line that matches, even if it was logged before. Rejects if the process ends without one.
   */
  waitForLine(fits: (line: LogLine) => boolean): Promise<LogLine>
  /** Resolves when it is ready. */
  ready(): Promise<void>
  signal(name: NodeJS.Signals): void
  readonly exited: Promise<number | NodeJS.Signals>
}

/** `hooktide monitor` as a process of its own, on a free port. */
export interface RunningMonitor {
  /** Its address, as soon as it listens. Rejects if it ends before. */
  readonly origin: Promise<string>
  /** Ends it. @returns its exit code */
  stop(): Promise<number | null>
  /** Ends it without giving it a moment. */
  kill(): Promise<number | null>
}

export function startMonitor(
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  program = checkout,
): RunningMonitor {
  const child = start(['monitor', ...args], { HOOKTIDE_MONITOR_PORT: '0', ...environment }, program)
  const origin = Promise.withResolvers<string>()
  let said = ''
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      origin.reject(new Error(`the monitor ended (${code}):\n${said}`))
      resolve(code)
    })
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    const found = /^http:\/\/[^\s(]+/m.exec(said)?.[0]
    if (found !== undefined) origin.resolve(found)
  })
  return {
    origin: origin.promise,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
    kill() {
      child.kill('SIGKILL')
      return ended
    },
  }
}

export function startRun(
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  program = checkout,
): RunningProcess {
  return startLogging(['run', ...args], environment, program)
}

/** The port for webhooks is in its log line `receiving webhooks`. */
export function startIngest(
  environment: Readonly<Record<string, string>>,
  program = checkout,
): RunningProcess {
  const own = { HOOKTIDE_INGEST_PORT: '0', HOOKTIDE_INGEST_HOST: '127.0.0.1' }
  return startLogging(['ingest'], { ...own, ...environment }, program)
}

/** A command that logs and runs until it is stopped. */
function startLogging(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  program: Program,
): RunningProcess {
  const own = { HOOKTIDE_HTTP_PORT: '0', HOOKTIDE_HTTP_HOST: '127.0.0.1' }
  const child = start(args, { ...own, ...environment }, program)
  const lines: LogLine[] = []
  const waiting = new Set<{
    fits: (line: LogLine) => boolean
    resolve: (line: LogLine) => void
    reject: (e: Error) => void
  }>()
  let stderr = ''
  let isOver = false
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('close', (code, signal) => {
      isOver = true
      for (const { reject } of waiting)
        reject(new Error(`${args[0]} ended (${code ?? signal}):\n${tail(lines)}\n${stderr}`))
      resolve(code ?? signal ?? 'SIGKILL')
    })
  })
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = parseLine(text)
      lines.push(line)
      for (const entry of waiting) {
        if (!entry.fits(line)) continue
        waiting.delete(entry)
        entry.resolve(line)
      }
    })
  }
  const waitForLine = (fits: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const past = lines.find(fits)
      if (past !== undefined) resolve(past)
      else if (isOver) reject(new Error(`${args[0]} has ended:\n${tail(lines)}\n${stderr}`))
      else waiting.add({ fits, resolve, reject })
    })
  const listening = waitForLine(({ msg }) => msg === 'listening')
  listening.catch(() => undefined)
  const port = listening.then((line) => Number(line['port']))
  port.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    port,
    lines,
    errorOutput: () => stderr,
    waitForLine,
    ready: async () => void (await waitForLine(({ msg }) => msg === 'ready')),
    signal: (name) => void child.kill(name),
    exited,
    async [Symbol.asyncDispose]() {
      if (!isOver) child.kill('SIGKILL')
      await exited
    },
  }
}

function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  { node, options = [], script }: Program,
): ChildProcess {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(KAFKA|SCHEMA_REGISTRY|HOOKTIDE)_/.test(name),
    ),
  )
  const child = spawn(node, [...options, script, ...args], {
    env: { ...clean, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // A test that timed out disposes of nothing. The end of its worker does.
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('close', () => process.off('exit', end))
  return child
}

function parseLine(text: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : { msg: text }
  } catch {
    return { msg: text }
  }
}

function tail(lines: readonly LogLine[]): string {
  return lines
    .slice(-30)
    .map((line) => JSON.stringify(line))
    .join('\n')
}
