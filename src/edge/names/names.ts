/**
 * Resolves host names to addresses, for all calls. A name that does not resolve delays only the calls to it, because
 * lookups have no queue. Each name has one lookup at a time, which all calls to it share. So there are never more lookups
 * than calls, whose number the slots limit, and a few that refresh what is known. A lookup ends when it is answered, after
 * `maxLookupMs`, or when no call waits for it any more.
 */
import type { TenantId } from '../../core/model/model.ts'
import { inConnectOrder, type NameAddress, type NameAnswer, type Reach } from './answer.ts'
import { NameCache } from './cache.ts'
import { isInvalid, isLookupName, localAddressesOf } from './files.ts'
import { LineLimit } from './line-limit.ts'
import type { Emit } from '../../core/signal/signal.ts'
import type { Clock } from '../../ports.ts'
import { Lookup, type LookupResult, type Resolved } from './lookup.ts'
import { askForName } from './name-query.ts'
import { SystemFiles, systemPaths, systemReach, type FilePaths } from './system-files.ts'

export interface Names {
  /**
   * @param host in lower case, as in a URL
   * @param tenantId the tenant of the hook that is called
   * @param resolved called once, after `lookup` has returned, unless the wait was ended before
   * @returns a function that ends the wait
   */
  lookup(host: string, tenantId: TenantId, resolved: Resolved): () => void
  /** Ends all lookups. Their `resolved` functions are not called. */
  stop(): void
}

export interface NamesOptions {
  readonly clock: Clock
  readonly emit: Emit
  /** Name servers, as `setServers` of `node:dns` takes them; `undefined` for those of the system. */
  readonly servers: readonly string[] | undefined
  /** Default: the files of the system. */
  readonly paths?: FilePaths
  /** Which addresses the machine has. Default: as its network interfaces have them. */
  readonly reach?: () => Reach
}

/** How many names are kept. That is some 20 MiB if hostile name servers give each name as many addresses as are kept. */
const maxNames = 20_000
/** Less than the default time-out of a call, so that the call fails as `dns` and not as `timeout`. */
const maxLookupMs = 8_000
/** How long a call waits before it uses an address beyond its time to live. RFC 8767 section 5 suggests 1.8 s. */
const patienceMs = 1_000
/** How many lookups may go on that no call waits for. */
const maxUnawaited = 256
/** Log lines about names whose addresses are used beyond their time to live. */
const linesPerMinute = 10

export function createNames(options: NamesOptions): Names {
  return new KeptNames(options)
}

class KeptNames implements Names {
  readonly #clock: Clock
  readonly #emit: Emit
  readonly #servers: readonly string[] | undefined
  readonly #files: SystemFiles
  readonly #cache = new NameCache(maxNames)
  readonly #lookups = new Map<string, Lookup>()
  readonly #unawaited = new Set<Lookup>()
  readonly #staleLines = new LineLimit(linesPerMinute, 60_000)
  readonly #recoveredLines = new LineLimit(linesPerMinute, 60_000)

  constructor(options: NamesOptions) {
    const { clock, emit, servers, paths = systemPaths, reach = systemReach } = options
    this.#clock = clock
    this.#emit = emit
    this.#servers = servers
    const onResolvConf = (): void => this.#cache.serversChanged(clock.monotonic())
    this.#files = new SystemFiles({ clock, paths, reachNow: reach, onResolvConf })
  }

  lookup(host: string, tenantId: TenantId, resolved: Resolved): () => void {
    if (!isLookupName(host)) return soon(resolved, { kind: 'failure', failure: 'not-a-name' })
    const local = localAddressesOf(host, this.#files.hosts)
    if (local !== undefined) {
      if (!this.#files.isDue) return soon(resolved, this.#found(local))
      // The hosts file may have changed: it is read again first.
      return this.#wait(this.#lookupOf(host, tenantId), resolved)
    }
    if (isInvalid(host)) return soon(resolved, { kind: 'failure', failure: 'no-name' })
    const advice = this.#cache.consult(host, tenantId, this.#clock.monotonic())
    if (advice.kind === 'ask') {
      return this.#wait(this.#lookupOf(host, tenantId), resolved, advice.fallback)
    }
    void this.#files.look()
    if (advice.kind === 'fail') return soon(resolved, { kind: 'failure', failure: advice.failure })
    if (advice.isRefreshDue) this.#refresh(host, tenantId, advice.isStale)
    if (advice.isStale) this.#usedStale(host)
    return soon(resolved, this.#found(advice.addresses))
  }

  stop(): void {
    for (const lookup of this.#lookups.values()) this.#close(lookup)
  }

  #lookupOf(host: string, tenantId: TenantId): Lookup {
    return this.#lookups.get(host) ?? this.#begin(host, tenantId, false)
  }

  /** Names that no name server answers for take at most half of the room, so that the others are refreshed too. */
  #refresh(host: string, tenantId: TenantId, isStale: boolean): void {
    const room = isStale ? maxUnawaited / 2 : maxUnawaited
    if (this.#lookups.has(host) || this.#unawaited.size >= room) return
    this.#unawaited.add(this.#begin(host, tenantId, true))
  }

  #begin(host: string, tenantId: TenantId, isRefresh: boolean): Lookup {
    const clock = this.#clock
    const lookup = new Lookup({ host, tenantId, startedAt: clock.monotonic(), isRefresh })
    this.#lookups.set(host, lookup)
    lookup.onEnd(clock.after(patienceMs, () => this.#giveUpUnlessAwaited(lookup)))
    lookup.onEnd(clock.after(maxLookupMs, () => this.#answered(lookup, { kind: 'silent' })))
    void this.#files.look().then(() => this.#ask(lookup))
    return lookup
  }

  #ask(lookup: Lookup): void {
    if (lookup.isEnded) return
    const { hosts, rules, reach } = this.#files
    const local = localAddressesOf(lookup.host, hosts)
    if (local !== undefined) {
      for (const { resolved } of this.#close(lookup)) resolved(this.#found(local))
      return
    }
    const options = { clock: this.#clock, rules, reach, servers: this.#servers }
    const answered = (answer: NameAnswer): void => this.#answered(lookup, answer)
    lookup.onEnd(askForName(lookup.host, options, answered))
  }

  #wait(lookup: Lookup, resolved: Resolved, fallback?: readonly NameAddress[]): () => void {
    this.#unawaited.delete(lookup)
    const waiter = lookup.join(resolved)
    if (fallback !== undefined) {
      const waitedMs = this.#clock.monotonic() - lookup.startedAt
      waiter.cancelPatience = this.#clock.after(patienceMs - waitedMs, () => {
        this.#outlast(lookup, waiter)
        resolved(this.#found(fallback))
      })
    }
    return () => this.#leave(lookup, waiter)
  }

  /**
   * The call continues with an address beyond its time to live. The lookup continues without the call: where the first of
   * several name servers is away, the answer of the second one comes about now, and would be missed each time.
   */
  #outlast(lookup: Lookup, waiter: ReturnType<Lookup['join']>): void {
    this.#emit({ kind: 'name.stale', host: lookup.host })
    lookup.hasOutlastedCalls = true
    if (this.#unawaited.size < maxUnawaited / 2) lookup.isRefresh = true
    this.#leave(lookup, waiter)
  }

  #leave(lookup: Lookup, waiter: ReturnType<Lookup['join']>): void {
    if (!lookup.leave(waiter) || lookup.isAwaited) return
    this.#unawaited.add(lookup)
    const isLate = this.#clock.monotonic() - lookup.startedAt >= patienceMs
    const isOver = this.#unawaited.size > maxUnawaited
    if (isLate && (isOver || !lookup.isRefresh)) this.#answered(lookup, { kind: 'silent' })
    else if (isOver) this.#close(lookup)
  }

  /**
   * Ends a lookup that all of its calls have left. It was kept until now, because calls with short time-outs would never
   * get an answer if each of them began a new lookup.
   */
  #giveUpUnlessAwaited(lookup: Lookup): void {
    if (!lookup.isAwaited && !lookup.isRefresh) this.#answered(lookup, { kind: 'silent' })
  }

  #answered(lookup: Lookup, answer: NameAnswer): void {
    if (lookup.isEnded) return
    const { host, tenantId, startedAt } = lookup
    const now = this.#clock.monotonic()
    const waiters = this.#close(lookup)
    const staleSince = this.#cache.learn(host, tenantId, answer, now)
    const tookMs = Math.round(now - startedAt)
    this.#emit({ kind: 'name.asked', host, outcome: answer.kind, tookMs })
    if (staleSince !== undefined) this.#signalRecovered(host, Math.round(now - staleSince))
    const isUnanswered = answer.kind === 'silent' || answer.kind === 'refused'
    if (isUnanswered && lookup.hasOutlastedCalls) this.#signalStale(host)
    for (const { resolved } of waiters) resolved(this.#resultOf(host, tenantId))
  }

  /** Called for each waiting call, since addresses are used in turn. */
  #resultOf(host: string, tenantId: TenantId): LookupResult {
    const advice = this.#cache.consult(host, tenantId, this.#clock.monotonic())
    if (advice.kind === 'use') {
      if (advice.isStale) this.#usedStale(host)
      return this.#found(advice.addresses)
    }
    return { kind: 'failure', failure: advice.kind === 'fail' ? advice.failure : 'silent' }
  }

  #found(addresses: readonly NameAddress[]): LookupResult {
    return { kind: 'addresses', addresses: inConnectOrder(addresses, this.#files.reach.globalIpv6) }
  }

  #close(lookup: Lookup): ReturnType<Lookup['end']> {
    this.#unawaited.delete(lookup)
    this.#lookups.delete(lookup.host)
    return lookup.end()
  }

  #usedStale(host: string): void {
    this.#emit({ kind: 'name.stale', host })
    this.#signalStale(host)
  }

  #signalStale(host: string): void {
    const now = this.#clock.monotonic()
    if (!this.#cache.markStale(host, now)) return
    const more = this.#staleLines.admit(now)
    if (more !== undefined) this.#emit({ kind: 'name.unanswered', host, more })
  }

  #signalRecovered(host: string, staleMs: number): void {
    const more = this.#recoveredLines.admit(this.#clock.monotonic())
    if (more !== undefined) this.#emit({ kind: 'name.recovered', host, staleMs, more })
  }
}

/** @returns a function that cancels it */
function soon(resolved: Resolved, result: LookupResult): () => void {
  let isWanted = true
  queueMicrotask(() => {
    if (isWanted) resolved(result)
  })
  return () => {
    isWanted = false
  }
}
