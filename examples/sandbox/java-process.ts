/**
 * A Java program as a child that cannot outlive this process.
 *
 * It runs in a session of its own, so Ctrl-C in the terminal reaches only this process, which then stops it in its
 * order. A small shell watches the other end of a pipe that this process holds open: when that closes, however this
 * process ended, the shell kills the program and removes its folder.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { UserError } from '../../src/core/model/errors.ts'

const readyTimeoutMs = 120_000
const stopTimeoutMs = 10_000
const keptLines = 60

/** Small and quick to start, at the cost of peak speed; leaves no files outside its folder. */
const flags = [
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-Djava.awt.headless=true',
] as const

/** Arguments of this shell: the process to kill, and the folder to remove. */
const watch = 'while read -r _; do :; done; kill -9 "$1" 2>/dev/null; sleep 1; rm -rf "$2"'

export interface JavaOptions {
  /** How messages name the program. */
  readonly title: string
  readonly java: string
  /** What follows the JVM's flags. */
  readonly args: readonly string[]
  /** The program's own folder: its working directory, and removed if this process dies. */
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  /** The line of output that says it accepts work. */
  readonly ready: RegExp
}

export interface JavaProcess {
  readonly pid: number
  isRunning(): boolean
  /** SIGTERM, and SIGKILL when that takes over 10 s. Resolves when it has ended. */
  stop(): Promise<void>
  /** SIGKILL. Resolves when it has ended. */
  kill(): Promise<void>
}

/**
 * Resolves when the program is ready.
 * @throws {UserError} with its last lines when it ends before, or takes over two minutes.
 */
export async function startJava(options: JavaOptions): Promise<JavaProcess> {
  const child = spawnJava(options)
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  const lines = readLines(child)
  await once(child, 'spawn')
  const pid = child.pid
  if (pid === undefined) throw new Error(`${options.title} started without a process id`)

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    child.kill(signal)
    const patience = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await ended
    clearTimeout(patience)
  }

  const outcome = await new Promise<string>((resolve) => {
    lines.onLine((line) => {
      if (options.ready.test(line)) resolve('ready')
    })
    void ended.then(() =>
      resolve(`ended before it was ready (${child.signalCode ?? `exit code ${child.exitCode}`})`),
    )
    setTimeout(() => resolve('took over two minutes to start'), readyTimeoutMs).unref()
  })
  if (outcome !== 'ready') {
    await end('SIGKILL')
    const said = `Its last lines:\n${lines.last().join('\n')}`
    throw new UserError(`${options.title} ${outcome}. ${said}`)
  }
  return {
    pid,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

/**
 * Runs a Java program to its end.
 * @throws {UserError} with its output when it fails.
 */
export async function runJava(options: Omit<JavaOptions, 'ready'>): Promise<void> {
  const child = spawnJava(options)
  const lines = readLines(child)
  await once(child, 'close')
  if (child.exitCode === 0) return
  throw new UserError([`${options.title} failed. Its last lines:`, ...lines.last()])
}

function spawnJava({ java, args, folder, environment }: Omit<JavaOptions, 'ready'>): ChildProcess {
  const child = spawn(java, [...flags, `-Djava.io.tmpdir=${folder}`, ...args], {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.pid !== undefined) {
    const watcher = startWatcher(child.pid, folder)
    child.once('close', () => watcher.kill('SIGKILL'))
  }
  return child
}

function startWatcher(pid: number, folder: string): ChildProcess {
  const watcher = spawn('sh', ['-c', watch, 'sh', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell the program merely outlives a killed parent: no reason to end here.
  watcher.on('error', () => {})
  watcher.stdin?.on('error', () => {})
  watcher.unref()
  return watcher
}

interface Lines {
  onLine(listener: (line: string) => void): void
  last(): readonly string[]
}

/** Reads on for the program's whole life, or it would stand still with its pipe full. */
function readLines(child: ChildProcess): Lines {
  const kept: string[] = []
  let tell: (line: string) => void = () => {}
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue
    createInterface({ input }).on('line', (line) => {
      kept.push(line)
      if (kept.length > keptLines) kept.shift()
      tell(line)
    })
  }
  return {
    onLine: (listener) => {
      tell = listener
    },
    last: () => kept,
  }
}
