/**
 * Ways to break the product, each as a change of its source, for `mutants.ts`. The simulation must find each of them. A text
 * that is not found exactly once fails the run. After a change of the source there, quote its new text here.
 */
import type { CheckName } from './facts.ts'

export interface Mutation {
  /** What the broken product does wrong. */
  readonly name: string
  /** The checks that must find it. Violations of other checks do not count. */
  readonly by: readonly CheckName[]
  readonly changes: readonly Change[]
}

export interface Change {
  /** Below `src`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

function mutation(
  name: string,
  by: readonly CheckName[],
  ...changes: readonly (readonly [file: string, from: string, to: string])[]
): Mutation {
  return { name, by, changes: changes.map(([file, from, to]) => ({ file, from, to })) }
}

export const mutations: readonly Mutation[] = [
  mutation(
    'loses a retry',
    ['commit-passes-nothing-open', 'run-ends'],
    [
      'core/run/recording.ts',
      'const next = { ...run, attempt: attemptsMade,',
      'if (run.attempt === 2) return undefined\n      const next = { ...run, attempt: attemptsMade,',
    ],
  ),
  mutation(
    'commits before what a record caused is done',
    ['commit-passes-nothing-open'],
    [
      'stages/admission.ts',
      'flow.admitted(origin)\n',
      'flow.ledger.complete(origin.offset)\n    flow.admitted(origin)\n',
    ],
  ),
  mutation(
    'calls without proof of membership',
    ['call-with-proof'],
    [
      'stages/call-gate.ts',
      'now - provenAt < this.#parts.sessionTimeoutMs',
      'now - provenAt < 1e12 * this.#parts.sessionTimeoutMs',
    ],
  ),
  mutation(
    'forgets a sibling',
    ['commit-passes-nothing-open', 'run-ends'],
    [
      'stages/expand.ts',
      'else calls.push(planned)',
      'else if (calls.length < 2) calls.push(planned)',
    ],
  ),
  mutation(
    'ignores a tombstone',
    ['call-as-hook-says'],
    ['stages/hook-loader.ts', 'table.delete(decoded.id)', 'table.get(decoded.id)'],
  ),
  mutation(
    'leaves a healthy lane idle',
    ['lane-is-not-idle'],
    [
      'stages/calls.ts',
      "case 'success':\n      return { kind: 'success' }",
      "case 'success':\n      return { kind: 'pause', until: now + 4_000 }",
    ],
  ),
  mutation(
    'starves a tenant while others have something to do',
    ['healthy-tenant-is-as-alone', 'lane-is-not-idle'],
    [
      'stages/admission.ts',
      "if (opened.kind !== 'runs') return { opened, calls: [], deferrals: 0 }\n",
      "if (opened.kind !== 'runs') return { opened, calls: [], deferrals: 0 }\n    if (opened.calls.some(({ run }) => run.event.tenantId === 'tenant-0') && load.admitted.total.count > 0) return undefined\n",
    ],
  ),
  mutation(
    'goes on with a run of an ownership that has ended',
    ['lost-ownership-writes-nothing'],
    [
      'core/run/recording.ts',
      "verdict: isOwned || decided.kind === 'delivered' ? decided : { kind: 'interrupted' }",
      'verdict: decided',
    ],
    ['core/run/recording.ts', 'if (!isOwned) return undefined\n', ''],
  ),
  mutation(
    'drops a dead letter',
    ['letter-for-each-death'],
    [
      'core/run/recording.ts',
      'return deadLetter(run, run.event.body, { reason,',
      "if (reason === 'exhausted') return undefined\n  return deadLetter(run, run.event.body, { reason,",
    ],
  ),
  mutation(
    'calls a disabled endpoint',
    ['nothing-to-disabled'],
    [
      'stages/endpoint-health.ts',
      "return this.#entries.get(hookId)?.endpoint.known?.state === 'disabled'",
      'return this.#entries.get(hookId)?.endpoint.known?.state === undefined && false',
    ],
  ),
  mutation(
    'ignores Retry-After',
    ['retry-after-is-heeded'],
    [
      'core/run/verdict.ts',
      'return Math.min(result.retryAfterMs ?? 0, maxRetryAfterMs)',
      'return Math.min(result.retryAfterMs ?? 0, 0 * maxRetryAfterMs)',
    ],
  ),
  mutation(
    'leaves the last offset of a completed range out of the metadata',
    ['commit-says-what-is-done', 'commit-keeps-what-was-done'],
    [
      'core/offsets/completed-runs.ts',
      'pushLeb128(bytes, range.to - range.from)',
      'pushLeb128(bytes, Math.max(1, range.to - range.from - 1))',
    ],
  ),
  mutation(
    'does not read the metadata of the owner before',
    ['call-asked-for', 'commit-keeps-what-was-done'],
    [
      'stages/partition-flow.ts',
      'decodeCompletedRuns({ group, topic, partition, offset }, committedMetadata)',
      'decodeCompletedRuns({ group, topic, partition, offset }, committedMetadata.slice(0, 0))',
    ],
  ),
  mutation(
    'forgets which records of its own it has handled',
    ['call-asked-for'],
    [
      'core/run/recently-handled.ts',
      'return furthest !== undefined && progressOf(run) <= furthest',
      'return furthest !== undefined && progressOf(run) < 0',
    ],
  ),
  mutation(
    'counts an attempt twice',
    ['attempts-do-not-fall'],
    [
      'core/run/recording.ts',
      'run.attempt + (attempt === undefined ? 0 : 1)',
      'run.attempt + (attempt === undefined ? 0 : 2)',
    ],
  ),
  mutation(
    'hands over without a last commit',
    ['handover-repeats-nothing'],
    [
      'stages/group.ts',
      'await this.#drain(this.#waitBefore(drainBudgetMs))\n    await this.committer.commitNow()',
      'await this.#drain(this.#waitBefore(drainBudgetMs))',
    ],
  ),
  mutation(
    'hands over without time for calls',
    ['handover-repeats-nothing'],
    [
      'stages/hand-over.ts',
      'waiters.wait(() => !calls.mayStillSucceed(group, { begunBy }), callsMs)',
      'waiters.wait(() => begunBy > 0, callsMs)',
    ],
  ),
  mutation(
    'stops without time for calls',
    ['handover-repeats-nothing'],
    [
      'topology.ts',
      'const isOver = () => !calls.hasBegunBy(stoppedAt)',
      'const isOver = () => true',
    ],
  ),
  mutation(
    'takes a commit that was not answered for done',
    ['lag-is-gone'],
    ['stages/committer.ts', "if (outcome === 'committed') {", "if (outcome !== 'stale') {"],
  ),
  mutation(
    'signs with a key that the hook does not have',
    ['call-as-hook-says'],
    [
      'core/run/request-headers.ts',
      'prepareKey({ key: hook.signingKey,',
      'prepareKey({ key: `${hook.signingKey}?`,',
    ],
  ),
]
