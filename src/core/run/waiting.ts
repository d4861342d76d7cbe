/**
 * A run that waits: where its record stands now, and when its next attempt is due. Results tell when the attempt was due
 * that they announced; since then the run may have been deferred, hopped or split.
 */
import type { DeliveryId, EpochMs, InboundRecord, RecordPlace, Run, Tier } from '../model/model.ts'
import type { EventIdentity } from '../event/event.ts'
import type { Rejected } from '../text/json-text.ts'
import { readRunNames } from './delivery-headers.ts'

export interface WaitingRun
  extends Omit<Run, 'event'>, Pick<EventIdentity, 'tenantId' | 'eventId' | 'sourceKey'> {
  /** The event's own record. */
  readonly source: RecordPlace
  /** The record that it waits as. */
  readonly place: RecordPlace
  /** `undefined` on the topic of requests, which are due at once. */
  readonly tier: Tier | undefined
  /** When its tier hands the record out: then its attempt starts, or it hops to another tier. */
  readonly releasedAt: EpochMs
}

/** @param tier whose record it is; `undefined` for a request's */
export function waitingRun(record: InboundRecord, tier: Tier | undefined): WaitingRun | Rejected {
  const names = readRunNames(record, tier === undefined ? 'request' : 'tier')
  if (names.kind === 'rejected') return names
  const { deliveryId, hookId, progress, identity } = names
  const { tenantId, eventId, sourceKey, source } = identity
  const { topic, partition, offset } = record
  return {
    ...progress,
    deliveryId,
    hookId,
    tenantId,
    eventId,
    sourceKey,
    source,
    place: { topic, partition, offset },
    tier,
    releasedAt: releaseTime(record, tier),
  }
}

/** @param tier whose record it is; `undefined` for a request's */
export function releaseTime(
  { timestamp }: Pick<InboundRecord, 'timestamp'>,
  tier: Tier | undefined,
): EpochMs {
  return timestamp + (tier?.delayMs ?? 0)
}

/**
 * When the next attempt may start at the earliest: what is past waits for its turn. A run that was deferred may start as
 * soon as a tier releases it.
 */
export function earliestStart({
  dueAt,
  earlyMs,
  releasedAt,
}: Pick<WaitingRun, 'dueAt' | 'earlyMs' | 'releasedAt'>): EpochMs {
  return Math.max(releasedAt, dueAt - earlyMs)
}

/** Runs of one delivery that are kept: each was asked for, so there may be any number of them. */
const maxRunsOfDelivery = 16

/** Where the runs of some deliveries wait. Memory is bounded by the number of deliveries. */
export class WaitingRuns {
  readonly #runs = new Map<DeliveryId, readonly WaitingRun[]>()

  /** @param deliveries others are not kept */
  constructor(deliveries: Iterable<DeliveryId>) {
    for (const deliveryId of deliveries) this.#runs.set(deliveryId, [])
  }

  /** A run that moved on while topics were read may be met twice: where it got last counts. */
  add(waiting: WaitingRun): void {
    const before = this.#runs.get(waiting.deliveryId)
    if (before === undefined) return
    const same = before.find(({ run }) => run === waiting.run)
    if (same !== undefined && same.hop > waiting.hop) return
    const others = before.filter((one) => one !== same)
    this.#runs.set(waiting.deliveryId, [...others, waiting].slice(-maxRunsOfDelivery))
  }

  of(deliveryId: DeliveryId): readonly WaitingRun[] {
    return this.#runs.get(deliveryId) ?? []
  }

  /** Deliveries of which nothing was found so far. */
  missing(): readonly DeliveryId[] {
    return [...this.#runs].filter(([, runs]) => runs.length === 0).map(([id]) => id)
  }
}
