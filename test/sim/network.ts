/** The network between one process and the broker: latency, and times without connection. */
import type { Dice } from './dice.ts'
import type { ProcessLoop } from './process-loop.ts'
import type { Timeline } from './timeline.ts'

/** Whether the broker is available. */
export interface BrokerPower {
  isAway: boolean
}

export class Network {
  /** Whether this process alone is cut off. */
  isCut = false
  readonly #timeline: Timeline
  readonly #dice: Dice
  readonly #power: BrokerPower
  /** What waits for the connection, in order. */
  #held: (() => void)[] = []
  #lastThere = 0
  #lastBack = 0

  constructor(timeline: Timeline, dice: Dice, power: BrokerPower) {
    this.#timeline = timeline
    this.#dice = dice
    this.#power = power
  }

  get isDown(): boolean {
    return this.isCut || this.#power.isAway
  }

  /** Sends something to the broker, in order. Without connection it arrives later. */
  toBroker(loop: ProcessLoop, arrive: () => void): void {
    this.#lastThere = Math.max(this.#lastThere, loop.time() + this.#latency())
    this.#timeline.at(this.#lastThere, () => this.#pass(arrive))
  }

  /** Makes the broker's answer a task of the process, after `delayMs`. Answers without a delay keep their order. */
  toProcess(loop: ProcessLoop, task: () => void, delayMs = 0): void {
    const at = this.#timeline.now + this.#latency() + delayMs
    if (delayMs === 0) this.#lastBack = Math.max(this.#lastBack, at)
    const arrivesAt = delayMs === 0 ? this.#lastBack : at
    this.#timeline.at(arrivesAt, () => this.#pass(() => loop.post(task)))
  }

  /** Must be called when the connection is restored. */
  restored(): void {
    if (this.isDown) return
    const held = this.#held
    this.#held = []
    for (const pass of held) pass()
  }

  #pass(pass: () => void): void {
    if (this.isDown) this.#held.push(pass)
    else pass()
  }

  #latency(): number {
    return 0.2 + this.#dice.float() * (this.#dice.chance(0.02) ? 30 : 1.5)
  }
}
