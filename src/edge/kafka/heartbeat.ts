/**
 * Sends the heartbeats of one member, with a timer of its own.
 *
 * KafkaJS sends heartbeats from its fetch loops, so one node that hangs delays them. It also sends them to the coordinator
 * of the last join. If that node is away, they fail until it is back, although another node has taken over the group and
 * would accept them. This code looks for the coordinator again when it does not answer or is no longer the coordinator, and
 * the membership continues there without a rebalance. An error that requires a rejoin is kept until a fetch loop asks for
 * it, because KafkaJS rejoins from there.
 */
import { asError } from '../../core/model/errors.ts'
import { errorType, type KafkaLog, messageOf } from './client.ts'
import { movedCoordinatorTypes } from './cluster.ts'
import { FailureLog } from './failure-log.ts'
import type { Coordinator, InnerGroup } from './inner.ts'
import { isRefusal } from './refusals.ts'
import { within } from '../waiting.ts'

export interface HeartbeatOptions {
  readonly intervalMs: number
  /** If an answer takes longer, the coordinator is looked for again. */
  readonly answerMs: number
  readonly log: KafkaLog
  /** Fields of log lines. */
  readonly fields: Readonly<Record<string, unknown>>
  /** A rebalance has begun. The member rejoins when the promise settles. */
  readonly onRebalance: () => Promise<void>
  /** Set while Kafka refuses heartbeats because a right is missing. */
  readonly onRefused: (error: Error | undefined) => void
}

export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #failures: FailureLog
  #group: InnerGroup | undefined
  /** Called when the coordinator no longer knows the member of the newest join. */
  #evicted = Promise.withResolvers<void>()
  #timer: NodeJS.Timeout | undefined
  #isAsking = false
  #finding: Promise<void> | undefined
  #refusal: Error | undefined
  /** How far the member is with what it does before it rejoins. It does this once in a generation. */
  #preparation: 'none' | 'begun' | 'done' = 'none'

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#failures = new FailureLog(options.log, options.fields)
  }

  /**
   * Starts, or continues with the member id and generation of the newest join.
   *
   * @returns resolves when the coordinator no longer knows this member
   */
  follow(group: InnerGroup): Promise<void> {
    this.#group = group
    this.#refusal = undefined
    this.#preparation = 'none'
    this.#evicted = Promise.withResolvers()
    this.#timer ??= setInterval(() => void this.#beat(), this.#options.intervalMs)
    return this.#evicted.promise
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#group = undefined
  }

  /** The error with which the coordinator refused a heartbeat. Returned once. */
  takeRefusal(): Error | undefined {
    const refusal = this.#refusal
    this.#refusal = undefined
    return refusal
  }

  async #beat(): Promise<void> {
    const group = this.#group
    if (group === undefined || this.#isAsking) return
    if (this.#finding !== undefined) {
      // This may take as long as no node answers. It is logged like any lasting failure.
      this.#failures.failed('the heartbeat', 'no node answers for the group')
      return
    }
    const { groupId, coordinator, memberId, generationId } = group
    if (coordinator === null || memberId === null || generationId === null) return
    const request = { groupId, memberId, groupGenerationId: generationId }
    this.#isAsking = true
    try {
      const answer = await within(coordinator.heartbeat(request), this.#options.answerMs, 'late')
      if (answer === 'late') throw new Error('the coordinator does not answer')
      this.#failures.succeeded('the heartbeat')
      this.#options.onRefused(undefined)
    } catch (error) {
      const isCurrent = group === this.#group && generationId === group.generationId
      if (isCurrent) this.#onError(group, coordinator, error)
    } finally {
      this.#isAsking = false
    }
  }

  #onError(group: InnerGroup, coordinator: Coordinator, error: unknown): void {
    // A rejoin would be refused too, and would stop all members for a while.
    if (isRefusal(error)) return this.#options.onRefused(asError(error))
    const type = errorType(error)
    if (type === undefined || movedCoordinatorTypes.has(type)) {
      this.#failures.failed('the heartbeat', messageOf(error))
      this.#finding = this.#find(group, coordinator).finally(() => {
        this.#finding = undefined
      })
      return
    }
    if (type === 'REBALANCE_IN_PROGRESS' && this.#preparation !== 'done') {
      void this.#prepare(group, asError(error))
      return
    }
    if (error instanceof Error) this.#refusal = error
    if (type === 'UNKNOWN_MEMBER_ID') this.#evicted.resolve()
  }

  /** The member goes on as before until it is prepared. Only then does the error make it rejoin. */
  async #prepare({ generationId }: InnerGroup, error: Error): Promise<void> {
    if (this.#preparation === 'begun') return
    this.#preparation = 'begun'
    await this.#options.onRebalance().catch(() => undefined)
    if (this.#group?.generationId !== generationId || this.#preparation !== 'begun') return
    this.#preparation = 'done'
    this.#refusal ??= error
  }

  /** Looks until a node reports that it is the coordinator. */
  async #find(group: InnerGroup, former: Coordinator): Promise<void> {
    try {
      const found = await group.cluster.findGroupCoordinator({ groupId: group.groupId })
      // A join has found it in the meantime.
      if (group.coordinator !== former) return
      group.coordinator = found
      if (group.offsetManager !== null) group.offsetManager.coordinator = found
    } catch (error) {
      this.#failures.failed('finding the coordinator', messageOf(error))
    }
  }
}
