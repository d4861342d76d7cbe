/**
 * Slots are the calls that may be in flight at once. They are shared out by how many each tenant and each hook holds. So it
 * need not be known beforehand which endpoints are slow.
 *
 * A tenant may start a call while it holds fewer slots than are free, and a hook while it holds fewer than its tenant may
 * still take. So k greedy tenants hold 1/(1+k) of the slots each, and the same number stays free. A quiet tenant can start
 * at once, whatever the endpoints of the others do. The bytes of bodies are shared out by the same rule.
 *
 * Hooks whose calls take long, or whose call length is not known, share a part of their tenant's slots by the same rule
 * ({@link ./call-length.ts}). Otherwise many hooks that hang, with one or two calls each, would leave nothing to a hook of
 * their tenant that answers.
 *
 * Short calls start first: they give their slots back soon. But where others wait too, these start one call in four.
 *
 * Of calls of one length, the tenant that holds the least starts first, and of its hooks the one that holds the least. Of equal
 * tenants the one that has waited longest is first. Of equal hooks it is the one whose call would end earliest. Of hooks and
 * tenants of which nothing is known, it is the one with the most deliveries for one hook, also those that found no room: so few
 * deliveries wait until something is known of theirs.
 */
import { Heap, type HeapItem } from '../collections/heap.ts'
import type { Lane, Line, LineName } from './lane.ts'
import type { MonotonicMs, TenantId } from '../model/model.ts'
import type { SharedSlots } from './backlog.ts'
import {
  callLengths,
  freeFor,
  freeWhileHanging,
  isLong,
  weightOfLong,
  weightOfYoung,
  type CallLength,
  type Room,
} from './call-length.ts'
import { AllCallsInFlight, CallsInFlight } from './calls-in-flight.ts'
import { RateMeter } from './rate.ts'

export interface SlotLimits {
  /** Calls in flight over all lanes. */
  readonly maxInFlight: number
  /**
   * The share of the slots that late calls may take, in all and per tenant: many retries must not crowd out fresh events.
   */
  readonly lateShare: number
  /** Bytes of the bodies of calls in flight. */
  readonly maxBytes: number
}

/** Calls in flight, and the bytes of their bodies. */
interface Usage {
  readonly inFlight: number
  readonly bytes: number
}

/** What one call holds. */
export interface Holding<Work> {
  readonly line: Line<Work>
  readonly tenant: Tenant<Work>
  readonly bytes: number
  /** How long calls of the lane took, as far as was known when this one started. */
  readonly length: CallLength
  readonly startedAt: MonotonicMs
}

/** Measurements of the calls of a tenant that were expected to take long. */
export type LongCalls = Omit<SharedSlots, 'deferred'>

/**
 * A tenant's entry in one of the heaps of tenants that wait for slots. There is a heap for each kind of line and each length
 * of calls, so that a line is found however many others wait whose calls may not start now.
 */
interface Seat<Work> extends HeapItem {
  readonly tenant: Tenant<Work>
  /** The tenant's lines of that kind and length that are ready. */
  readonly lines: Heap<Line<Work>>
  /** Orders tenants that hold equally much: the lower one first. */
  order: number
}

const units = ['inFlight', 'bytes'] as const
const noneYoung = [0, 0] as const

type Seats<Item> = Readonly<Record<LineName, Readonly<Record<CallLength, Item>>>>

type IsBefore<Work> = (one: Line<Work>, other: Line<Work>) => boolean

/** The line that starts next of those of one kind and length. */
interface Candidate<Work> {
  readonly line: Line<Work>
  readonly seat: Seat<Work>
}

/** What a tenant holds, and its lines that are ready. */
class Tenant<Work> extends CallsInFlight {
  readonly id: TenantId
  readonly seats: Seats<Seat<Work>>
  readonly longMeter = new RateMeter()

  constructor(id: TenantId, isBefore: IsBefore<Work>) {
    super()
    this.id = id
    this.seats = forEach(() => ({
      tenant: this,
      lines: new Heap(isBefore),
      order: 0,
      heapIndex: -1,
    }))
  }

  get isIdle(): boolean {
    const { first, late } = this.seats
    return this.inFlight === 0 && !isWaiting(first) && !isWaiting(late)
  }
}

/** So many short calls start in a row while others could. */
const mostShortInRow = 3

/** The most tenants that are skipped in search of one that may start a call. The one that holds the least comes first. */
const maxPassedOver = 8

export class Slots<Work> {
  readonly #limits: SlotLimits
  readonly #tenants = new Map<TenantId, Tenant<Work>>()
  readonly #waiting: Seats<Heap<Seat<Work>>>
  readonly #all = new AllCallsInFlight()
  readonly #shortInRow: Record<LineName, number> = { first: 0, late: 0 }
  #order = 0

  constructor(limits: SlotLimits) {
    this.#limits = limits
    this.#waiting = forEach(() => new Heap((one, other) => this.#isSeatBefore(one, other)))
  }

  /** Calls in flight. */
  get inFlight(): number {
    return this.#all.inFlight
  }

  /** Whether the process has a slot for one more call. */
  get hasFree(): boolean {
    const { maxInFlight, maxBytes } = this.#limits
    return this.#all.inFlight < maxInFlight && this.#all.bytes < maxBytes
  }

  /** Adds a line that is ready. */
  wait(line: Line<Work>): void {
    const seat = seatOf(this.#tenantOf(line.lane.limits.tenantId), line)
    seat.lines.push(line)
    if (seat.heapIndex >= 0) return
    this.#order += 1
    seat.order = this.#order
    this.#waiting[line.name][line.length].push(seat)
  }

  /** The demand of a line's lane has grown, and the line waits for a slot. */
  grown(line: Line<Work>): void {
    if (line.length !== 'unknown') return
    line.waiting = line.lane.demand
    const tenant = this.#tenants.get(line.lane.limits.tenantId)
    if (tenant === undefined) return
    const seat = seatOf(tenant, line)
    seat.lines.update(line)
    this.#waiting[line.name][line.length].update(seat)
  }

  /** Removes a line that waits. Must be called before the hook moves to another tenant. */
  leave(line: Line<Work>): void {
    const tenant = this.#tenants.get(line.lane.limits.tenantId)
    if (tenant === undefined) return
    this.#take({ line, seat: seatOf(tenant, line) })
    this.#forgetIfIdle(tenant)
  }

  /**
   * Removes and returns the line that starts next, with its tenant; `undefined` when none may start a call now.
   *
   * @param lengths the lengths of calls that may start
   */
  next(
    name: LineName,
    lengths: readonly CallLength[],
    now: MonotonicMs,
  ): Pick<Holding<Work>, 'line' | 'tenant'> | undefined {
    const { maxInFlight, lateShare } = this.#limits
    if (name === 'late' && this.#all.late >= Math.max(1, maxInFlight * lateShare)) return undefined
    let short: Candidate<Work> | undefined
    let other: Candidate<Work> | undefined
    for (const length of lengths) {
      const found = this.#firstOf(name, length, now)
      if (found === undefined) continue
      if (isLong(length)) other = this.#earlier(found, other)
      else short = this.#earlier(found, short)
    }
    const next = this.#chosen(name, short, other)
    if (next === undefined) return undefined
    this.#take(next)
    return { line: next.line, tenant: next.seat.tenant }
  }

  /** Counts how many short calls have started in a row while others waited. */
  #chosen(
    name: LineName,
    short: Candidate<Work> | undefined,
    other: Candidate<Work> | undefined,
  ): Candidate<Work> | undefined {
    if (short === undefined || other === undefined) return short ?? other
    const isShort = this.#shortInRow[name] < mostShortInRow
    this.#shortInRow[name] = isShort ? this.#shortInRow[name] + 1 : 0
    return isShort ? short : other
  }

  /** The line that {@link next} returned starts no call. */
  skipped({ tenant }: Pick<Holding<Work>, 'tenant'>): void {
    this.#forgetIfIdle(tenant)
  }

  occupy(holding: Holding<Work>): void {
    const { tenant, startedAt, length } = holding
    this.#all.began(startedAt, length)
    tenant.began(startedAt, length)
    if (isLong(length) && tenant.long.inFlight === 0) tenant.longMeter.begin(startedAt)
    this.#count(holding, 1)
  }

  free(holding: Holding<Work>, now: MonotonicMs): void {
    const { tenant, length } = holding
    this.#all.ended(holding, now)
    tenant.ended(holding, now)
    this.#count(holding, -1)
    if (isLong(length)) tenant.longMeter.end(now, tenant.long.inFlight === 0)
    this.#forgetIfIdle(tenant)
  }

  /**
   * Whether the calls are slow with which the lane shares slots: those of its tenant, or those of all if they hang and no short
   * call of the lane has ended lately.
   *
   * @param isLoopBusy whether calls may last long because this process is busy
   */
  isCrowdSlow(lane: Lane<Work>, now: MonotonicMs, isLoopBusy: boolean): boolean {
    const tenant = this.#tenants.get(lane.limits.tenantId)
    if (tenant?.isSlow(now, isLoopBusy) === true) return true
    return lane.lengthNow(now) !== 'short' && this.areHanging(now, isLoopBusy)
  }

  /** Whether a line of which nothing is known may wait for no more than that calls in flight become older. */
  isWaitingForAge(now: MonotonicMs): boolean {
    const { first, late } = this.#waiting
    return first.unknown.size + late.unknown.size > 0 && this.#all.youngUnknown.count(now) > 0
  }

  /** {@link AllCallsInFlight} */
  areHanging(now: MonotonicMs, isLoopBusy: boolean): boolean {
    return this.#all.isSlow(now, isLoopBusy)
  }

  /**
   * Measurements of the tenant's long calls; `undefined` unless it has slow calls now, or was found slow before.
   */
  longCallsOf(id: TenantId, now: MonotonicMs): LongCalls | undefined {
    const tenant = this.#tenants.get(id)
    if (tenant?.mayBeSlow(now) !== true) return undefined
    const { longMeter } = tenant
    return { silentMs: longMeter.silentMs(now), perMs: longMeter.perMs(now) }
  }

  #firstOf(name: LineName, length: CallLength, now: MonotonicMs): Candidate<Work> | undefined {
    const waiting = this.#waiting[name][length]
    const passedOver: Seat<Work>[] = []
    let line: Line<Work> | undefined
    let seat = waiting.peek()
    // The first tenant holds the least. If it has used up its share, all others have too.
    while (seat !== undefined && this.#hasShare(seat.tenant)) {
      line = this.#startable(seat, now)
      if (line !== undefined || passedOver.length === maxPassedOver) break
      waiting.remove(seat)
      passedOver.push(seat)
      seat = waiting.peek()
    }
    for (const one of passedOver) waiting.push(one)
    return line === undefined || seat === undefined ? undefined : { line, seat }
  }

  /** The first of the lines, if it may start a call now. */
  #startable({ tenant, lines }: Seat<Work>, now: MonotonicMs): Line<Work> | undefined {
    const line = lines.peek()
    if (line === undefined || !this.#mayStart(line, tenant, now)) return undefined
    return line.name === 'late' && tenant.late >= this.#maxLate(tenant) ? undefined : line
  }

  /** Whether the line's lane may take one more slot. */
  #mayStart({ lane, length }: Line<Work>, tenant: Tenant<Work>, now: MonotonicMs): boolean {
    const { maxInFlight, maxBytes } = this.#limits
    const weight = weightOfLong(length, lane.inFlight)
    const [young, youngOfAll] = length === 'unknown' ? this.#young(tenant, now) : noneYoung
    const isBelow = (of: keyof Usage, free: number) =>
      lane[of] + tenant[of] + tenant.long[of] * weight + (of === 'inFlight' ? young : 0) < free
    if (!isBelow('inFlight', maxInFlight - this.#all.inFlight)) return false
    if (!isBelow('bytes', maxBytes - this.#all.bytes)) return false
    if (length === 'short') return true
    const isFree = (free: typeof freeFor) =>
      units.every((of) => isBelow(of, free(length, lane.inFlight, this.#room(of, youngOfAll))))
    return isFree(freeFor) && (isFree(freeWhileHanging) || !this.areHanging(now, false))
  }

  /** How much young calls of such hooks count against a hook of which nothing is known: those of its tenant, and of all. */
  #young(tenant: Tenant<Work>, now: MonotonicMs): readonly [number, number] {
    return [tenant.youngUnknown.count(now) * weightOfYoung, this.#all.youngUnknown.count(now)]
  }

  /** @param young counts besides what is held for long calls */
  #room(of: keyof Usage, young: number): Room {
    const { maxInFlight, maxBytes } = this.#limits
    const [capacity, more] = of === 'bytes' ? [maxBytes, 0] : [maxInFlight, young]
    return { capacity, used: this.#all[of], long: this.#all.long[of] + more }
  }

  /** The most late calls of a tenant: a share of the slots that it would hold if it took all it may. */
  #maxLate({ inFlight }: Tenant<Work>): number {
    const { maxInFlight, lateShare } = this.#limits
    return Math.max(1, ((maxInFlight - this.#all.inFlight + inFlight) / 2) * lateShare)
  }

  /** Whether the tenant holds fewer slots, and fewer bytes, than are free. */
  #hasShare({ inFlight, bytes }: Usage): boolean {
    const { maxInFlight, maxBytes } = this.#limits
    return inFlight < maxInFlight - this.#all.inFlight && bytes < maxBytes - this.#all.bytes
  }

  /** Counts what a call takes or frees, and restores the heap order of all entries that depend on it. */
  #count({ tenant, line, bytes, length }: Holding<Work>, calls: 1 | -1): void {
    const { name, lane } = line
    const held = calls * bytes
    change(this.#all, calls, held)
    change(tenant, calls, held)
    if (isLong(length)) for (const { long } of [tenant, this.#all]) change(long, calls, held)
    if (name === 'late') {
      this.#all.late += calls
      tenant.late += calls
    }
    // The hook may have moved to another tenant since the call started.
    const { tenantId } = lane.limits
    const home = tenantId === tenant.id ? tenant : this.#tenants.get(tenantId)
    for (const one of [lane.first, lane.late]) {
      if (home !== undefined) seatOf(home, one).lines.update(one)
      for (const length of callLengths) {
        this.#waiting[one.name][length].update(tenant.seats[one.name][length])
      }
    }
  }

  #take({ line, seat }: Candidate<Work>): void {
    seat.lines.remove(line)
    if (seat.lines.size === 0) this.#waiting[line.name][line.length].remove(seat)
  }

  #tenantOf(id: TenantId): Tenant<Work> {
    const known = this.#tenants.get(id)
    if (known !== undefined) return known
    const tenant = new Tenant<Work>(id, (one, other) => this.#isBefore(one, other))
    this.#tenants.set(id, tenant)
    return tenant
  }

  #forgetIfIdle(tenant: Tenant<Work>): void {
    if (tenant.isIdle) this.#tenants.delete(tenant.id)
  }

  /** The candidate of the tenant that holds less, and of one tenant the line that is first. */
  #earlier(one: Candidate<Work>, other: Candidate<Work> | undefined): Candidate<Work> {
    if (other === undefined) return one
    const isOneFirst =
      one.seat.tenant === other.seat.tenant
        ? this.#isBefore(one.line, other.line)
        : this.#isSeatBefore(one.seat, other.seat)
    return isOneFirst ? one : other
  }

  #isSeatBefore(one: Seat<Work>, other: Seat<Work>): boolean {
    const difference =
      this.#shareOf(one.tenant) - this.#shareOf(other.tenant) || waitingOf(other) - waitingOf(one)
    return difference === 0 ? one.order < other.order : difference < 0
  }

  #isBefore(one: Line<Work>, other: Line<Work>): boolean {
    const difference =
      this.#shareOf(one.lane) - this.#shareOf(other.lane) ||
      (one.length === 'unknown' ? other.waiting - one.waiting : 0) ||
      one.expectedEnd - other.expectedEnd
    return difference === 0 ? one.order < other.order : difference < 0
  }

  /** The larger of the holder's two shares: of slots and of bytes. */
  #shareOf({ inFlight, bytes }: Usage): number {
    const { maxInFlight, maxBytes } = this.#limits
    return Math.max(inFlight / maxInFlight, bytes / maxBytes)
  }
}

function change(holder: { inFlight: number; bytes: number }, calls: number, bytes: number): void {
  holder.inFlight += calls
  holder.bytes += bytes
}

function seatOf<Work>({ seats }: Tenant<Work>, { name, length }: Line<Work>): Seat<Work> {
  return seats[name][length]
}

function waitingOf<Work>({ lines }: Seat<Work>): number {
  const line = lines.peek()
  return line?.length === 'unknown' ? line.waiting : 0
}

function isWaiting<Work>(seats: Readonly<Record<CallLength, Seat<Work>>>): boolean {
  return callLengths.some((length) => seats[length].lines.size > 0)
}

function forEach<Item>(create: () => Item): Seats<Item> {
  const ofLine = () => ({
    short: create(),
    stale: create(),
    unknown: create(),
    long: create(),
  })
  return { first: ofLine(), late: ofLine() }
}
