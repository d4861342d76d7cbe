/** The current state of one member, and the promises that settle when it changes. */
import type { KafkaLog } from './client.ts'
import type { Membership } from './membership.ts'
import {
  advanceMember,
  joinUnderWay,
  type MemberInput,
  type MemberState,
  newestMembership,
  outside,
} from './member-state.ts'
import type { RefusalWatch } from './refusal-watch.ts'

/** What the parts of a member share. */
export interface MemberContext {
  readonly life: MemberLife
  readonly refusals: RefusalWatch
  readonly log: KafkaLog
  /** Fields of every log line. */
  readonly fields: { readonly groupId: string }
}

/** The member was stopped. `retriable` ends KafkaJS's own retries. */
export class StoppedError extends Error {
  readonly retriable = false
}

export class MemberLife {
  readonly #onFailed: (error: Error) => void
  readonly #firstJoin = Promise.withResolvers<void>()
  readonly #stop = new AbortController()
  #state: MemberState = outside

  /** @param onFailed called once at most */
  constructor(onFailed: (error: Error) => void) {
    this.#onFailed = onFailed
    // A failure before anyone waits for the first join must not end the process by itself.
    this.#firstJoin.promise.catch(() => undefined)
  }

  /** Resolves once joined. Rejects when the member fails or is stopped first. */
  get firstJoin(): Promise<void> {
    return this.#firstJoin.promise
  }

  /** Aborted when the member is stopped. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal
  }

  get isStopped(): boolean {
    return this.#state.kind === 'stopped'
  }

  get hasFailed(): boolean {
    return this.#state.kind === 'failed'
  }

  get membership(): Membership | undefined {
    return newestMembership(this.#state)
  }

  get join(): Promise<void> | undefined {
    return joinUnderWay(this.#state)
  }

  /** `join` began. */
  joinStarted(join: Promise<void>): void {
    this.#advance({ kind: 'join-started', join })
  }

  /** The membership is the current one from now on. */
  adopt(membership: Membership): void {
    this.#advance({ kind: 'adopted', membership })
    this.#firstJoin.resolve()
  }

  joinEnded(): void {
    this.#advance({ kind: 'join-ended' })
  }

  /** The member cannot go on. The process must end. */
  fail(error: Error): void {
    if (this.isStopped || this.hasFailed) return
    this.#advance({ kind: 'failed' })
    this.#firstJoin.reject(error)
    this.#onFailed(error)
  }

  stop(): void {
    this.#advance({ kind: 'stopped' })
    this.#firstJoin.reject(new StoppedError('stopped before the group was joined'))
    this.#stop.abort()
  }

  #advance(input: MemberInput): void {
    this.#state = advanceMember(this.#state, input)
  }
}
