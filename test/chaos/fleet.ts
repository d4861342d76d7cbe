/** The processors: real `hooktide run` processes, started again when they end, as a supervisor does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRun, type LogLine, type RunningProcess } from '../support/hooktide-process.ts'
import { orderSignal, orderVariable, type Order } from './inside.ts'

export interface Member {
  readonly name: string
  readonly run: RunningProcess
  /** Does something within the process; see `inside.ts`. */
  order(order: Order): Promise<void>
  isReady(): boolean
  /** Resolves when it is ready, or has ended before. */
  readonly settled: Promise<void>
}

/** A process that ended without having been asked to. */
export interface Death {
  readonly name: string
  readonly startedAt: number
  readonly at: number
  readonly code: number | NodeJS.Signals
  readonly wasReady: boolean
  readonly lastLines: readonly LogLine[]
  readonly errorOutput: string
}

export interface ProcessLog {
  readonly name: string
  readonly lines: readonly LogLine[]
}

export interface FleetOptions {
  readonly environment: Readonly<Record<string, string>>
  /** The membership of the group changes: a member joins, or is gone. */
  readonly onChange: () => void
  /** A process has ended by itself. It is replaced. */
  readonly onDeath: (death: Death) => void
}

/** So long a supervisor waits. */
const restartMs = 1_000
/** An end that was asked for and takes longer is no end. */
const endLimitMs = 40_000

const nameOf = (number: number) => `p${number}`
const first = nameOf(1)

export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions
  readonly #folder: string
  readonly #members: Member[] = []
  readonly #logs: ProcessLog[] = []
  readonly #asked = new WeakSet<Member>()
  #count = 0
  #isOver = false
  #readied = Promise.withResolvers<void>()

  static async open(options: FleetOptions): Promise<Fleet> {
    return new Fleet(options, await mkdtemp(join(tmpdir(), 'hooktide-chaos-')))
  }

  private constructor(options: FleetOptions, folder: string) {
    this.#options = options
    this.#folder = folder
  }

  /** What each process has said, those that have ended too. */
  get logs(): readonly ProcessLog[] {
    return this.#logs
  }

  /** Those that live, the oldest first. */
  get members(): readonly Member[] {
    return this.#members
  }

  /** Starts one more. */
  start(): Member {
    this.#count += 1
    const name = nameOf(this.#count)
    const file = join(this.#folder, name)
    const run = startRun({
      ...this.#options.environment,
      HOOKTIDE_INSTANCE: name,
      NODE_OPTIONS: `--import=${new URL('inside.ts', import.meta.url).href}`,
      [orderVariable]: file,
    })
    let isReady = false
    const settled = run.ready().then(
      () => {
        isReady = true
        this.#options.onChange()
        this.#readied.resolve()
        this.#readied = Promise.withResolvers()
      },
      () => undefined,
    )
    const member: Member = {
      name,
      run,
      settled,
      isReady: () => isReady,
      async order(order) {
        await writeFile(file, JSON.stringify(order))
        run.signal(orderSignal)
      },
    }
    this.#members.push(member)
    this.#logs.push({ name, lines: run.lines })
    // It joins before it is ready.
    this.#options.onChange()
    const startedAt = Date.now()
    void run.exited.then((code) => this.#ended(member, code, startedAt))
    return member
  }

  /**
   * One that is ready; when none is, the next that will be.
   *
   * @param isSparing the first of several is left out: it lives as long as the run, and shows what that costs
   */
  async pick(turn: number, isSparing = false): Promise<Member> {
    for (;;) {
      const ready = this.#members.filter((member) => member.isReady())
      const choice =
        isSparing && this.#count > 1 ? ready.filter(({ name }) => name !== first) : ready
      const member = choice[turn % choice.length]
      if (member !== undefined) return member
      if (this.#isOver) throw new Error('no processor is ready any more')
      await this.#readied.promise
    }
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(member: Member): Promise<void> {
    this.#take(member)
    member.run.signal('SIGKILL')
    await member.run.exited
    this.#options.onChange()
  }

  /** SIGTERM. Resolves with its exit code. @throws {Error} when it does not end */
  async end(member: Member): Promise<number | NodeJS.Signals> {
    this.#take(member)
    this.#options.onChange()
    member.run.signal('SIGTERM')
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, endLimitMs, 'late').unref())
    const code = await Promise.race([member.run.exited, late])
    if (code === 'late')
      throw new Error(`${member.name} has not ended ${endLimitMs} ms after SIGTERM`)
    this.#options.onChange()
    return code
  }

  /** No process that ends is replaced any more. */
  close(): void {
    this.#isOver = true
    this.#readied.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await Promise.all(this.#members.map(({ run }) => run[Symbol.asyncDispose]()))
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** It is to end, and counts as a member no longer. */
  #take(member: Member): void {
    this.#asked.add(member)
    const index = this.#members.indexOf(member)
    if (index >= 0) this.#members.splice(index, 1)
  }

  #ended(member: Member, code: number | NodeJS.Signals, startedAt: number): void {
    if (this.#asked.has(member) || this.#isOver) return
    this.#take(member)
    this.#options.onChange()
    this.#options.onDeath({
      name: member.name,
      startedAt,
      at: Date.now(),
      code,
      wasReady: member.isReady(),
      lastLines: member.run.lines.slice(-20),
      errorOutput: member.run.errorOutput().slice(-2_000),
    })
    setTimeout(() => {
      if (!this.#isOver) this.start()
    }, restartMs)
  }
}
