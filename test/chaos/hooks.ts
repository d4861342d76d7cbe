/**
 * The hooks: *steady* ones, which are edited but go on to be for the same events, so that everything is owed to them, and
 * *passing* ones, which are disabled, deleted and written again, so that nobody can say what they must get.
 */
import type { OutboundRecord } from '../../src/core/model/model.ts'
import type { RecordSink } from '../../src/ports.ts'
import type { Dice } from '../sim/dice.ts'

export const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'

/** Called without anything between. */
export const directHooks = ['h0', 'h1', 'h2', 'h3', 'h4', 'h5'] as const
/** Called by way of the proxy before the receivers. */
export const proxiedHooks = ['h6', 'h7', 'h8', 'h9', 'h10', 'h11'] as const
const passingHooks = ['passing0', 'passing1'] as const
/** Some of its calls take longer than an orderly hand-over waits for. It has time for them. */
export const slowHook = 'h5'
const slowTimeoutMs = 6_000

/** Letters alone may stand in an event key. */
const kindNames = ['One', 'Two', 'Three', 'Four', 'Five', 'Six'] as const
const kinds = kindNames.length
const keyOf = (kind: number) => `Kind.${kindNames[kind]}`
const passingKeyOf = (kind: number) => `${keyOf(kind)}.Passing`
/** One event of so many is for a passing hook too. */
const passingEvery = 10

/** Event key of event `n`, and the hooks that it is for. */
export function hooksOf(n: number): {
  readonly key: string
  readonly steady: readonly string[]
  readonly passing: readonly string[]
} {
  const kind = n % kinds
  const steady = [`h${kind}`, `h${kind + kinds}`]
  const turn = Math.floor(n / kinds)
  if (turn % passingEvery !== 0) return { key: keyOf(kind), steady, passing: [] }
  return { key: passingKeyOf(kind), steady, passing: [...passingHooks] }
}

export interface HookWriterOptions {
  readonly topic: string
  readonly sink: RecordSink
  readonly directOrigin: string
  readonly proxiedOrigin: string
}

export class HookWriter {
  readonly #options: HookWriterOptions
  #edits = 0

  constructor(options: HookWriterOptions) {
    this.#options = options
  }

  /** Writes all of them. */
  async putAll(): Promise<void> {
    await this.#options.sink.write([
      ...[...directHooks, ...proxiedHooks].map((id) => this.#steady(id)),
      ...passingHooks.map((id) => this.#passing(id, true)),
    ])
  }

  /** Some edits at once: of a steady hook, a passing one, and of records that are no hooks. */
  async edit(dice: Dice): Promise<void> {
    this.#edits += 1
    const steady = this.#steady(dice.pick([...directHooks, ...proxiedHooks]))
    const passing = dice.pick(passingHooks)
    await this.#options.sink.write([
      steady,
      dice.chance(0.3) ? this.#record(passing, null) : this.#passing(passing, dice.chance(0.6)),
      this.#record(`broken${dice.int(0, 9)}`, '{"id":'),
      this.#record(`gone${dice.int(0, 9)}`, null),
    ])
  }

  #steady(id: string): OutboundRecord {
    const number = Number(id.slice(1))
    const kind = number % kinds
    const { directOrigin, proxiedOrigin } = this.#options
    const origin = number < kinds ? directOrigin : proxiedOrigin
    return this.#hook(id, {
      events: [keyOf(kind), passingKeyOf(kind)],
      // A header changes, and so the record: neither what the hook is for nor where it is called.
      config: { url: `${origin}/${id}`, headers: { 'x-edit': String(this.#edits) } },
      ...(id === slowHook ? { delivery: { timeoutMs: slowTimeoutMs } } : {}),
    })
  }

  #passing(id: string, enabled: boolean): OutboundRecord {
    const events = kindNames.map((_, kind) => passingKeyOf(kind))
    return this.#hook(id, {
      events,
      enabled,
      config: { url: `${this.#options.directOrigin}/${id}` },
    })
  }

  #hook(id: string, fields: Readonly<Record<string, unknown>>): OutboundRecord {
    const name = `${id}, edit ${this.#edits}`
    const hook = { id, tenantId: 'default', name, signingKey, enabled: true, ...fields }
    return this.#record(id, JSON.stringify(hook))
  }

  #record(key: string, value: string | null): OutboundRecord {
    return {
      topic: this.#options.topic,
      key,
      value: value === null ? null : Buffer.from(value),
      headers: [],
    }
  }
}
