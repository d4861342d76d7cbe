/**
 * The hooks. *Steady* hooks are edited but always match the same events, so they must get all of these. *Passing* hooks are
 * disabled, deleted and written again, so it is not known which events they must get.
 */
import type { OutboundRecord } from '../../src/core/model/model.ts'
import type { RecordSink } from '../../src/ports.ts'
import type { Dice } from '../sim/dice.ts'

export const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'

/** Hooks that are called directly. */
export const directHooks = ['h0', 'h1', 'h2', 'h3', 'h4', 'h5'] as const
/** Hooks that are called through the proxy in front of the receivers. */
export const proxiedHooks = ['h6', 'h7', 'h8', 'h9', 'h10', 'h11'] as const
const passingHooks = ['passing0', 'passing1'] as const
/** Some calls of this hook take longer than an orderly hand-over waits, and its time-out allows that. */
export const slowHook = 'h5'
const slowTimeoutMs = 6_000

/** An event key has only letters. */
const kindNames = ['One', 'Two', 'Three', 'Four', 'Five', 'Six'] as const
const kinds = kindNames.length
const keyOf = (kind: number) => `Kind.${kindNames[kind]}`
const passingKeyOf = (kind: number) => `${keyOf(kind)}.Passing`
/** Every tenth event matches a passing hook too. */
const passingEvery = 10

/** The event key of event `n`, and the hooks that it matches. */
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

  /** Makes some edits at once: of a steady hook, of a passing one, and records that are not hooks. */
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
      // Only a header changes. The hook matches the same events, and its URL is the same.
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
