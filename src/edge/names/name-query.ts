/**
 * Asks the name servers for one host name, with c-ares. c-ares needs no threads: a query that hangs takes a socket, and
 * delays nothing else. Each lookup has a c-ares channel of its own. So it can be ended alone, its queries come from a
 * port that cannot be predicted, and c-ares reads again which name servers the system has.
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
 * How long to wait for the answer of the second family when that of the first is enough: some name servers never answer
 * for AAAA. RFC 8305 section 3 recommends 50 ms. It is longer here because the answer is kept: a family that is missed
 * stays missing until the next lookup.
 */
const secondFamilyMs = 200

/** Codes of c-ares for names that certainly have no address of the family. EBADNAME: it cannot be a name. */
const certain: ReadonlySet<string> = new Set(['ENODATA', 'EBADNAME'])
const refusals: ReadonlySet<string> = new Set([
  'ESERVFAIL',
  'EREFUSED',
  'ENOTIMP',
  'EFORMERR',
  'EBADRESP',
])

/**
 * @param answered called once, after `askForName` has returned, unless the query was ended before
 * @returns a function that ends the query: nothing is sent any more
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

  /** Asks for one full name after the other until one has an address, as the system's resolver does. */
  async ask(host: string): Promise<NameAnswer> {
    const asIs = host.replace(/\.$/, '')
    let failure: NameFailure = 'no-name'
    for (const name of candidatesOf(host, this.#options.rules)) {
      // The other search domains are likely to have the same silent name servers. The name itself may have others.
      if (failure === 'silent' && name !== asIs) continue
      const answer = await this.#askServers(name)
      if (answer.kind === 'addresses' || this.isEnded) return answer
      if (answer.kind === 'silent' && name === asIs) return answer
      if (failure !== 'silent' && answer.kind !== 'no-name') failure = answer.kind
    }
    return { kind: failure }
  }

  /** c-ares asks the next name server when one is silent. Node turns that off for one that refuses, so it is done here. */
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
      // The text cannot be a name, such as when IDNA refuses it.
      queueMicrotask(() => take(family, { kind: 'none' }))
    }
  }
}

/** Whether the other family may be missed: not where the machine cannot reach the addresses of this one. */
function isEnough(family: 4 | 6, answer: FamilyAnswer, reach: Reach): boolean {
  if (answer.kind === 'addresses') return isReachable(answer.records, family, reach)
  return family === 4 && answer.kind === 'no-name'
}

function failed({ code = '' }: NodeJS.ErrnoException): FamilyAnswer {
  if (code === 'ENOTFOUND') return { kind: 'no-name' }
  if (certain.has(code)) return { kind: 'none' }
  return { kind: refusals.has(code) ? 'refused' : 'silent' }
}
