/**
 * Slots, the calls that may be out at once, given by occupancy: nobody has to be known as fast or slow.
 *
 * A tenant may start a call while it holds fewer slots than are free, and a hook while it holds fewer than its tenant may
 * still take. So k greedy tenants settle at 1/(1+k) of the slots each and leave as much free: one that is quiet starts at
 * once, whatever the endpoints of the others do. The bytes that bodies hold are given out likewise.
 *
 * Hooks whose calls take long, or of which that is not known, share a part of their tenant's by the same rule once more:
 * else a crowd of hooks that hang, each with a call or two, would leave nothing to a hook of their tenant that answers.
 *
 * The tenant that holds the least goes first; of a tenant the hook that holds the least; and among equals the one whose
 * turn came first, where one that is known to answer soon comes before one that holds its slot for long.
 */
import { Heap, type HeapItem } from '../collections/heap.ts'
import type { Line, LineName } from './lane.ts'
import type { TenantId } from '../model/model.ts'

export interface SlotLimits {
  /** Calls in flight over all lanes. */
  readonly maxInFlight: number
  /**
   * The share of these that calls may have which are no first tries, in all and of a tenant: a crowd of retries must not
   * take the place of fresh events.
   */
  readonly lateShare: number
  /** Bytes that the bodies of calls in flight hold. */
  readonly maxBytes: number
}

/** Calls that are out, and the bytes of their bodies. */
interface Holder {
  readonly inFlight: number
  readonly bytes: number
}

/** What one call holds. */
export interface Holding<Work> {
  readonly line: Line<Work>
  readonly tenant: Tenant<Work>
  readonly bytes: number
  /** Whether the call was thought to take long when it began. */
  readonly isLong: boolean
}

/** A tenant's place among those that wait for slots, for one of the two kinds of lines. */
interface Seat<Work> extends HeapItem {
  readonly tenant: Tenant<Work>
  /** Lines that could start, apart by how long their calls take. */
  readonly short: Heap<Line<Work>>
  readonly long: Heap<Line<Work>>
  /** Its turn among tenants that hold as much. */
  turn: number
}

type IsBefore<Work> = (one: Line<Work>, other: Line<Work>) => boolean

/** What a tenant holds, and its lines that could start. */
class Tenant<Work> {
  readonly id: TenantId
  readonly seats: Readonly<Record<LineName, Seat<Work>>>
  inFlight = 0
  bytes = 0
  /** Calls of the late lines. */
  late = 0
  /** Calls that were thought to take long when they began. */
  readonly long = { inFlight: 0, bytes: 0 }

  constructor(id: TenantId, isBefore: IsBefore<Work>) {
    this.id = id
    this.seats = { first: this.#seat(isBefore), late: this.#seat(isBefore) }
  }

  get isIdle(): boolean {
    const { first, late } = this.seats
    return this.inFlight === 0 && isEmpty(first) && isEmpty(late)
  }

  #seat(isBefore: IsBefore<Work>): Seat<Work> {
    const [short, long] = [new Heap(isBefore), new Heap(isBefore)]
    return { tenant: this, short, long, turn: 0, heapIndex: -1 }
  }
}

/** So many tenants are passed over in search of one that may start a call, beginning with the one that holds the least. */
const mostPassedOver = 8

export class Slots<Work> {
  readonly #limits: SlotLimits
  readonly #tenants = new Map<TenantId, Tenant<Work>>()
  readonly #waiting: Readonly<Record<LineName, Heap<Seat<Work>>>>
  readonly #all = { inFlight: 0, bytes: 0, late: 0 }
  #turns = 0

  constructor(limits: SlotLimits) {
    this.#limits = limits
    const isBefore = (one: Seat<Work>, other: Seat<Work>) => {
      const difference = this.#shareOf(one.tenant) - this.#shareOf(other.tenant)
      return difference === 0 ? one.turn < other.turn : difference < 0
    }
    this.#waiting = { first: new Heap(isBefore), late: new Heap(isBefore) }
  }

  /** Calls that are out. */
  get inFlight(): number {
    return this.#all.inFlight
  }

  /** Whether the process as a whole could have one more call out. */
  get hasFree(): boolean {
    const { maxInFlight, maxBytes } = this.#limits
    return this.#all.inFlight < maxInFlight && this.#all.bytes < maxBytes
  }

  /** A line could start a call. */
  wait(line: Line<Work>): void {
    const seat = this.#tenantOf(line.lane.limits.tenantId).seats[line.name]
    heapOf(seat, line).push(line)
    if (seat.heapIndex >= 0) return
    this.#turns += 1
    seat.turn = this.#turns
    this.#waiting[line.name].push(seat)
  }

  /** A line that waits does so no more. To be called before its hook is given to another tenant. */
  leave(line: Line<Work>): void {
    const tenant = this.#tenants.get(line.lane.limits.tenantId)
    if (tenant === undefined) return
    this.#take(line, tenant.seats[line.name])
    this.#forgetIfIdle(tenant)
  }

  /** Takes out the line whose turn it is, with its tenant; `undefined` when none may start a call now. */
  next(name: LineName): Pick<Holding<Work>, 'line' | 'tenant'> | undefined {
    const { maxInFlight, lateShare } = this.#limits
    if (name === 'late' && this.#all.late >= Math.max(1, maxInFlight * lateShare)) return undefined
    const waiting = this.#waiting[name]
    const passedOver: Seat<Work>[] = []
    let line: Line<Work> | undefined
    let seat = waiting.peek()
    // Who comes first holds the least: where it has used up its share, all have.
    while (seat !== undefined && this.#mayHold(seat.tenant, 0, 0)) {
      line = this.#nextOf(seat, name)
      if (line !== undefined || passedOver.length === mostPassedOver) break
      waiting.remove(seat)
      passedOver.push(seat)
      seat = waiting.peek()
    }
    for (const one of passedOver) waiting.push(one)
    if (line === undefined || seat === undefined) return undefined
    this.#take(line, seat)
    return { line, tenant: seat.tenant }
  }

  occupy(holding: Holding<Work>): void {
    this.#count(holding, 1)
  }

  free(holding: Holding<Work>): void {
    this.#count(holding, -1)
    this.#forgetIfIdle(holding.tenant)
  }

  #nextOf({ tenant, short, long }: Seat<Work>, name: LineName): Line<Work> | undefined {
    if (name === 'late' && tenant.late >= this.#mostLate(tenant)) return undefined
    const [one, other] = [short.peek(), long.peek()]
    const { inFlight, bytes, long: slow } = tenant
    const isSoon = one !== undefined && this.#mayHold(one.lane, inFlight, bytes)
    const soon = isSoon ? one : undefined
    const isLater =
      other !== undefined && this.#mayHold(other.lane, inFlight + slow.inFlight, bytes + slow.bytes)
    const later = isLater ? other : undefined
    if (soon === undefined || later === undefined) return soon ?? later
    return this.#isBefore(later, soon) ? later : soon
  }

  /** Late calls that a tenant may have: a share of what it comes to when it takes all that it may. */
  #mostLate({ inFlight }: Tenant<Work>): number {
    const { maxInFlight, lateShare } = this.#limits
    return Math.max(1, ((maxInFlight - this.#all.inFlight + inFlight) / 2) * lateShare)
  }

  /**
   * Whether a holder may take one slot more: it holds fewer than are free, less what those hold whose part of the slots it
   * shares. Bytes likewise.
   */
  #mayHold(holder: Holder, inFlight: number, bytes: number): boolean {
    const { maxInFlight, maxBytes } = this.#limits
    return (
      holder.inFlight < maxInFlight - this.#all.inFlight - inFlight &&
      holder.bytes < maxBytes - this.#all.bytes - bytes
    )
  }

  /** Counts what a call takes or gives back, and puts all whose order depends on it in their places. */
  #count({ tenant, line, bytes, isLong }: Holding<Work>, calls: 1 | -1): void {
    const { name, lane } = line
    const held = calls * bytes
    change(this.#all, calls, held)
    change(tenant, calls, held)
    if (isLong) change(tenant.long, calls, held)
    if (name === 'late') {
      this.#all.late += calls
      tenant.late += calls
    }
    // The hook may have been given to another tenant since the call began.
    const { tenantId } = lane.limits
    const home = tenantId === tenant.id ? tenant : this.#tenants.get(tenantId)
    for (const one of [lane.first, lane.late]) {
      if (home !== undefined) heapOf(home.seats[one.name], one).update(one)
      this.#waiting[one.name].update(tenant.seats[one.name])
    }
  }

  #take(line: Line<Work>, seat: Seat<Work>): void {
    heapOf(seat, line).remove(line)
    if (isEmpty(seat)) this.#waiting[line.name].remove(seat)
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

  #isBefore(one: Line<Work>, other: Line<Work>): boolean {
    const difference = this.#shareOf(one.lane) - this.#shareOf(other.lane) || one.turn - other.turn
    return difference === 0 ? one.order < other.order : difference < 0
  }

  /** The larger of the two shares that somebody holds, of slots and of bytes. */
  #shareOf({ inFlight, bytes }: Holder): number {
    const { maxInFlight, maxBytes } = this.#limits
    return Math.max(inFlight / maxInFlight, bytes / maxBytes)
  }
}

function change(holder: { inFlight: number; bytes: number }, calls: number, bytes: number): void {
  holder.inFlight += calls
  holder.bytes += bytes
}

function heapOf<Work>({ short, long }: Seat<Work>, { isLong }: Line<Work>): Heap<Line<Work>> {
  return isLong ? long : short
}

function isEmpty<Work>({ short, long }: Seat<Work>): boolean {
  return short.size + long.size === 0
}
