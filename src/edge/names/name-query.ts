/**
 * Asks the name servers for one host name, by c-ares, which needs no threads: queries that hang cost a socket each and hold
 * up nothing. Each lookup has a channel of its own. So it can be ended alone, its queries come from a port that nobody
 * can foretell, and c-ares reads anew which name servers the system has.
 */
import { Resolver } from 'node:dns'
import type { RecordWithTtl } from 'node:dns'
import {
  answerOf,
  isReachable,
  type FamilyAnswer,
  type NameAnswer,
  type NameFailure,
  type Reach,
} from './answer.ts'
import { candidatesOf, type SearchRules } from './files.ts'
import type { Clock } from '../../ports.ts'

export interface NameQueryOptions {
  readonly clock: Clock
  readonly rules: SearchRules
  readonly reach: Reach
  /** As `setServers` of `node:dns` takes them; `undefined` for those of the system. */
  readonly servers: readonly string[] | undefined
}

/**
 * How long the second family's answer is waited for when the first is enough: some name servers never answer for AAAA.
 * RFC 8305 section 3 allows 50 ms; what is missed here is missed for as long as the answer is kept.
 */
const secondFamilyMs = 200

/** Codes of c-ares that say for certain that there is no address of the family; a name that cannot be one is among them. */
const certain: ReadonlySet<string> = new Set(['ENODATA', 'EBADNAME'])
const refusals: ReadonlySet<string> = new Set([
  'ESERVFAIL',
  'EREFUSED',
  'ENOTIMP',
  'EFORMERR',
  'EBADRESP',
])

/**
 * @param answered called once, never within the call itself, and not after it was ended
 * @returns ends it: nothing is sent any more
 */
export function askForName(
  host: string,
  options: NameQueryOptions,
  answered: (answer: NameAnswer) => void,
): () => void {
  const query = new NameQuery(options)
  void query.ask(host).then((answer) => {
    if (!query.isEnded) answered(answer)
    query.end()
  })
  return () => query.end()
}

class NameQuery {
  readonly #options: NameQueryOptions
  readonly #resolver: Resolver
  #cancelWait: () => void = () => {}
  isEnded = false

  constructor(options: NameQueryOptions) {
    const { servers, rules } = options
    this.#options = options
    this.#resolver = new Resolver({ timeout: rules.timeoutMs, tries: rules.attempts })
    if (servers !== undefined) this.#resolver.setServers(servers)
  }

  end(): void {
    this.isEnded = true
    this.#cancelWait()
    this.#resolver.cancel()
  }

  /** One full name after the other, as the system's resolver does, until one has an address. */
  async ask(host: string): Promise<NameAnswer> {
    const asIs = host.replace(/\.$/, '')
    let failure: NameFailure = 'no-name'
    for (const name of candidatesOf(host, this.#options.rules)) {
      // A domain whose name servers are silent says nothing of the name by itself, but would of others like it.
      if (failure === 'silent' && name !== asIs) continue
      const answer = await this.#askServers(name)
      if (answer.kind === 'addresses' || this.isEnded) return answer
      if (answer.kind === 'silent' && name === asIs) return answer
      if (failure !== 'silent' && answer.kind !== 'no-name') failure = answer.kind
    }
    return { kind: failure }
  }

  /** c-ares goes on to the next name server when one is silent, Node makes it keep to one that cannot say. */
  async #askServers(name: string): Promise<NameAnswer> {
    const servers = this.#resolver.getServers()
    let answer = await this.#askFamilies(name)
    for (let turn = 1; turn < servers.length; turn += 1) {
      if (answer.kind !== 'refused' || this.isEnded) return answer
      this.#resolver.setServers([...servers.slice(turn), ...servers.slice(0, turn)])
      answer = await this.#askFamilies(name)
    }
    return answer
  }

  #askFamilies(name: string): Promise<NameAnswer> {
    const { reach } = this.#options
    return new Promise((resolve) => {
      const answers: Record<4 | 6, FamilyAnswer> = { 4: { kind: 'silent' }, 6: { kind: 'silent' } }
      let missing = 2
      const settle = (): void => {
        this.#cancelWait()
        resolve(answerOf(answers[4], answers[6], reach))
      }
      const take = (family: 4 | 6, answer: FamilyAnswer): void => {
        answers[family] = answer
        missing -= 1
        if (missing === 0) settle()
        else if (isEnough(family, answer, reach)) {
          this.#cancelWait = this.#options.clock.after(secondFamilyMs, settle)
        }
      }
      this.#askFamily(name, 4, take)
      this.#askFamily(name, 6, take)
    })
  }

  #askFamily(
    name: string,
    family: 4 | 6,
    take: (family: 4 | 6, answer: FamilyAnswer) => void,
  ): void {
    const answered = (error: NodeJS.ErrnoException | null, records: RecordWithTtl[]): void =>
      take(family, error === null ? { kind: 'addresses', records } : failed(error))
    try {
      if (family === 4) this.#resolver.resolve4(name, { ttl: true }, answered)
      else this.#resolver.resolve6(name, { ttl: true }, answered)
    } catch {
      // Text that cannot be a name, such as one that IDNA refuses.
      queueMicrotask(() => take(family, { kind: 'none' }))
    }
  }
}

/** A lost packet must not leave a machine of one family with addresses of the other, for which it has no use. */
function isEnough(family: 4 | 6, answer: FamilyAnswer, reach: Reach): boolean {
  if (answer.kind === 'addresses') return isReachable(answer.records, family, reach)
  return family === 4 && answer.kind === 'no-name'
}

function failed({ code = '' }: NodeJS.ErrnoException): FamilyAnswer {
  if (code === 'ENOTFOUND') return { kind: 'no-name' }
  if (certain.has(code)) return { kind: 'none' }
  return { kind: refusals.has(code) ? 'refused' : 'silent' }
}
