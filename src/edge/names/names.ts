/**
 * Host names to addresses, for all calls. A name that does not resolve costs those who call it and nobody else: nothing
 * here has a queue. Each name has one lookup at a time, shared by the calls that wait for it; so there are no more lookups
 * than calls, which the slots give out fairly, and a few that refresh what is known. A lookup ends when it is answered,
 * after `maxLookupMs`, or when no call waits for it any more.
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
   * @param host lower case, as a URL has it
   * @param tenantId whose call it is for
   * @param resolved called once, never within the call itself, and not after the wait was ended
   * @returns ends the wait
   */
  lookup(host: string, tenantId: TenantId, resolved: Resolved): () => void
  /** Ends all lookups; nobody is told. */
  stop(): void
}

export interface NamesOptions {
  readonly clock: Clock
  readonly emit: Emit
  /** Addresses, with ports or without, as `setServers` of `node:dns` takes them; `undefined` for those of the system. */
  readonly servers: readonly string[] | undefined
  /** Files of the system, unless a test has others. */
  readonly paths?: FilePaths
  /** Which addresses the machine has, unless a test has others. */
  readonly reach?: () => Reach
}

/** Names of which something is kept: some 20 MiB where hostile name servers give each as many addresses as are kept. */
const maxNames = 20_000
/** Less than calls have by default, so that they end by what it is. */
const maxLookupMs = 8_000
/** From then on an address beyond its time is better than none; RFC 8767 section 5 has 1.8 s. */
const patienceMs = 1_000
/** Lookups at once that no call waits for. */
const maxUnawaited = 256
/** Lines of the log about names whose addresses are used beyond their time. */
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
      // The file may say something else by now: it is looked at first.
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

  /** Names that name servers do not answer for take at most half of the room: those of which they do are refreshed too. */
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
   * The call goes on with an address beyond its time, and the lookup without the call: where the first of several name
   * servers is away, the next one's answer comes about now, and must not be missed each time.
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
   * A lookup that its calls have left is kept for a moment: calls of short time-outs would never get an answer, nor learn
   * that there is none, if each began anew.
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

  /** For each who waits by itself, since addresses are used in turns. */
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

/** @returns forgets it */
function soon(resolved: Resolved, result: LookupResult): () => void {
  let isWanted = true
  queueMicrotask(() => {
    if (isWanted) resolved(result)
  })
  return () => {
    isWanted = false
  }
}
