/** The processors: real `hooktide run` processes, which are started again when they end, as by a supervisor. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRun, type LogLine, type RunningProcess } from '../support/hooktide-process.ts'
import { orderSignal, orderVariable, type Order } from './inside.ts'

export interface Member {
  readonly name: string
  readonly run: RunningProcess
  /** Makes the process do something; see `inside.ts`. */
  order(order: Order): Promise<void>
  isReady(): boolean
  /** Resolves when it is ready, or has ended before that. */
  readonly settled: Promise<void>
}

/** A process that ended by itself. */
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
  /** The membership of the group changes: a member joins or leaves. */
  readonly onChange: () => void
  /** A process has ended by itself. It is replaced. */
  readonly onDeath: (death: Death) => void
}

/** How long a supervisor waits before a restart. */
const restartMs = 1_000
/** A process that takes longer to end counts as not ending. */
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

  /** The log of each process, including those that have ended. */
  get logs(): readonly ProcessLog[] {
    return this.#logs
  }

  /** The running processes, the oldest first. */
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
    // A process joins before it is ready.
    this.#options.onChange()
    const startedAt = Date.now()
    void run.exited.then((code) => this.#ended(member, code, startedAt))
    return member
  }

  /**
   * A process that is ready. If none is, it waits for the next one.
   *
   * @param isSparing whether to leave out the first of several, which runs as long as the chaos run to show its memory
   */
  async pick(turn: number, isSparing = false): Promise<Member> {
    for (;;) {
      const ready = this.#members.filter((member) => member.isReady())
      const choice =
        isSparing && this.#count > 1 ? ready.filter(({ name }) => name !== first) : ready
      const member = choice[turn % choice.length]
      if (member !== undefined) return member
      if (this.#isOver) throw new Error('no processor is ready, and none will be')
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

  /** From now on, no process that ends is replaced. */
  close(): void {
    this.#isOver = true
    this.#readied.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await Promise.all(this.#members.map(({ run }) => run[Symbol.asyncDispose]()))
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** The process is about to end, and no longer counts as a member. */
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
