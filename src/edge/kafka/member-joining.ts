/** The joins of a member to its group: the first one, and one at each rebalance. */
import { asError } from '../../core/model/errors.ts'
import { sleep, unlessAborted } from '../waiting.ts'
import { isRetriable, messageOf } from './client.ts'
import { FailureLog } from './failure-log.ts'
import { conflictBy, joinError } from './foreign-members.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { InnerGroup } from './inner.ts'
import { KnownMembers } from './known-members.ts'
import { type MemberContext, StoppedError } from './member-life.ts'
import { type Membership, membershipOf } from './membership.ts'
import { forgetProof } from './patches.ts'

export interface JoinHandler {
  /** A rebalance has begun. The member goes on until the promise settles. */
  onRebalance(mayLose: boolean): Promise<void>
  /** A rejoin is due, and membership is still valid. */
  beforeRejoin(): Promise<void>
  /**
   * Sets the positions to start from. Called again until it succeeds. The function that it resolves with is called when the
   * membership becomes the current one, before any record of it is handed over.
   */
  joined(membership: Membership): Promise<() => void>
}

const firstRetryMs = 100
const longestRetryMs = 2_000

export class MemberJoining {
  readonly #context: MemberContext
  readonly #handler: JoinHandler
  readonly #heartbeat: Heartbeat
  readonly #failures: FailureLog
  readonly #members = new KnownMembers()

  constructor(context: MemberContext, handler: JoinHandler, heartbeat: Heartbeat) {
    this.#context = context
    this.#handler = handler
    this.#heartbeat = heartbeat
    this.#failures = new FailureLog(context.log, context.fields)
  }

  /** Joins, or waits for the join that is under way. `proceed` is KafkaJS's own join. */
  join(group: InnerGroup, proceed: () => Promise<void>): Promise<void> {
    const { life } = this.#context
    if (life.join !== undefined) return life.join
    const join = this.#join(group, proceed).finally(() => life.joinEnded())
    life.joinStarted(join)
    return join
  }

  /** A rebalance has begun. Resolves when the member may rejoin, or has to. */
  async prepare(): Promise<void> {
    const { life } = this.#context
    const { membership } = life
    if (membership === undefined) return
    await this.#whileMember(membership, async () => {
      const mayLose = await this.#members.haveOthersJoined(membership.group)
      // Meanwhile the coordinator may have dropped the member, and the member may have joined again. Nothing would end what the
      // handler would begin now.
      if (life.membership !== membership) return
      await this.#handler.onRebalance(mayLose)
    })
  }

  async #join(group: InnerGroup, proceed: () => Promise<void>): Promise<void> {
    const { life, refusals } = this.#context
    const previous = life.membership
    // Without a member id nothing can be committed: the broker does not know the member any more, or the group is new.
    if (previous?.group === group && group.memberId !== null) {
      await this.#whileMember(previous, async () => this.#handler.beforeRejoin())
    }
    // A rejoin that fails must not return to KafkaJS: it would continue to fetch with the old assignment.
    await this.#enter(group, proceed)
    const conflict = await this.#conflictIn(group, previous)
    refusals.granted('the membership')
    const evicted = this.#heartbeat.follow(group)
    const next = membershipOf(group, { evicted, conflict }, previous)
    const announce = await this.#keepTrying('adopting the assignment', () =>
      this.#handler.joined(next),
    )
    if (previous !== undefined && previous.memberId !== next.memberId) {
      forgetProof(previous.memberId)
    }
    life.adopt(next)
    announce()
    void this.#members.note(group)
  }

  /** Ends early if the coordinator does not know the member any more, or the member is stopped. */
  async #whileMember({ evicted }: Membership, work: () => Promise<void>): Promise<void> {
    const { life } = this.#context
    const reported = work().catch((error: unknown) => life.fail(asError(error)))
    await unlessAborted(Promise.race([reported, evicted]), life.stopSignal)
  }

  /** Joins the group. If that is impossible, the member fails at once, because nobody awaits the promise of a rejoin. */
  async #enter(group: InnerGroup, proceed: () => Promise<void>): Promise<void> {
    const { life } = this.#context
    try {
      await this.#keepTrying('joining the group', proceed)
    } catch (error) {
      if (life.isStopped) throw error
      const refusal = await joinError(group.cluster, group.groupId, error)
      life.fail(refusal)
      throw refusal
    }
  }

  /**
   * A group of the consumer protocol has no leader. It may have members of other programs, which also get partitions. This
   * member goes on with the partitions that it gets: if it ended, the other programs would get all of them.
   */
  async #conflictIn(
    { leaderId, cluster, groupId }: InnerGroup,
    previous: Membership | undefined,
  ): Promise<string | undefined> {
    const isShared = leaderId === ''
    if (!isShared) return undefined
    const unknown = `Group ${groupId} is not a classic one, and its members could not be listed`
    const conflict = await conflictBy(cluster, groupId).catch(() => unknown)
    if (conflict !== undefined && conflict !== previous?.conflict) {
      const { log, fields } = this.#context
      log('error', 'another program takes records of the group', { ...fields, error: conflict })
    }
    return conflict
  }

  /** Repeats until it succeeds. Throws when it never can, or when the member was stopped. */
  async #keepTrying<Result>(what: string, attempt: () => Promise<Result>): Promise<Result> {
    const { life, refusals } = this.#context
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      if (life.isStopped) throw new StoppedError('the member was stopped')
      try {
        const result = await attempt()
        this.#failures.succeeded(what)
        return result
      } catch (error) {
        const isRefused = await refusals.isRefused('the membership', error)
        if (!isRefused && !isRetriable(error)) throw error
        this.#failures.failed(what, messageOf(error))
        await sleep(waitMs, life.stopSignal)
      }
    }
  }
}
