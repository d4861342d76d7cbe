/** Checks that run whenever a call starts. */
import { createHmac } from 'node:crypto'
import type { AttemptResult } from '../../src/core/model/model.ts'
import { limits } from '../../src/limits.ts'
import type { HttpRequest } from '../../src/ports.ts'
import { covers } from './coverage.ts'
import { type CallMade, hookIdIn, type Run, type Source } from './chronicle.ts'
import { endpointFactsOf, placeOf, type EndpointFacts, type Facts } from './facts.ts'
import { hookIn, urlMark } from './hook-book.ts'
import type { Epoch, ProcessView } from './process-view.ts'

interface Attempt {
  readonly process: ProcessView
  readonly run: Run
  readonly attempt: number
  readonly request: HttpRequest
}

/** Checks a call that starts. The returned function must be called when the process gets the end of the call. */
export function checkCall(
  facts: Facts,
  process: ProcessView,
  request: HttpRequest,
  onAsked: (run: Run, attempt: number, source: Source) => void,
): (result: AttemptResult) => void {
  const { headers, body } = request
  const hookId = hookIdIn(body)
  const attempt = Number(headers['hooktide-attempt'])
  const run = facts.chronicle.runOfCall({
    deliveryId: headers['webhook-id'] ?? '',
    hookId,
    attempt,
    traceparent: headers['traceparent'],
    body,
  })
  if (run === undefined) {
    facts.report(
      'call-asked-for',
      `${process.name} calls ${hookId} for an event that was never produced`,
    )
    return () => undefined
  }
  const made = { process, run, attempt, request }
  callWithProof(facts, made)
  callAsHookSays(facts, made)
  nothingToDisabled(facts, made)
  retryAfterIsHeeded(facts, made)
  noCallAfterFinal(facts, made)
  const source = callAskedFor(facts, made)
  attemptsDoNotFall(facts, made, source)
  if (source !== undefined) onAsked(run, attempt, source)
  return noteCall(facts, made, source)
}

/** Longer calls count as long. */
const longCallMs = 1_000
const unknownPatienceMs = 500

/** A process checks its proof of membership before it starts calls. Starting many calls then takes some time. */
const maxTurnMs = 200

/** A call needs proof of ownership: membership of both groups was acknowledged within the session time-out. */
function callWithProof(facts: Facts, { process, run, attempt }: Attempt): void {
  for (const group of ['live', 'retry'] as const) {
    const provenAt = process.members[group].provenAt()
    const age = provenAt === undefined ? undefined : process.loop.time() - provenAt
    if (age !== undefined && age < facts.plan.sessionMs + maxTurnMs) continue
    const how = age === undefined ? 'was never proven' : `was proven ${Math.round(age)} ms ago`
    facts.report(
      'call-with-proof',
      `${process.name} calls for ${describe(run, attempt)} while its membership of ${group} ${how}`,
    )
  }
}

/** A call goes to the URL of the newest hook record that its process has read, and is signed with the key of that record. */
function callAsHookSays(facts: Facts, { process, run, attempt, request }: Attempt): void {
  const record = process.hooks.get(run.hookId)
  const hook = record === undefined ? undefined : hookIn(record)
  const report = (why: string) =>
    facts.report('call-as-hook-says', `${process.name} calls for ${describe(run, attempt)} ${why}`)
  if (hook === undefined) return report('whose hook is deleted')
  if (!hook.enabled) return report('whose hook is disabled')
  if (hook.url !== request.url) return report(`at ${request.url}, a former URL of the hook`)
  const signature = createHmac('sha256', hook.signingKey).update(request.body).digest('hex')
  if (request.headers['logto-signature-sha-256'] !== signature)
    report('with a key that is not the newest')
}

/** No call goes to an endpoint that the process knows as disabled, from a report or a 410. */
function nothingToDisabled(facts: Facts, { process, run, attempt, request }: Attempt): void {
  const report = process.endpoints.get(run.hookId)
  if (report?.state !== 'disabled' || report.endpoint !== urlMark(request.url)) return
  facts.report(
    'nothing-to-disabled',
    `${process.name} calls for ${describe(run, attempt)}, whose endpoint is disabled`,
  )
}

/** A process that got `Retry-After` from an endpoint makes no call to it before that time. */
function retryAfterIsHeeded(facts: Facts, { process, run, attempt, request }: Attempt): void {
  const until = endpointFactsOf(facts, run.hookId).pausedUntil.get(process)
  // After an edit of the hook the endpoint starts with a new state, and no pause applies.
  if (until === undefined || facts.book.isEdited(run.hookId)) return
  const early = until - process.loop.time()
  if (early <= 1 || process.endpoints.get(run.hookId)?.enableEpoch) return
  facts.report(
    'retry-after-is-heeded',
    `${process.name} calls ${request.url} for ${describe(run, attempt)} ${Math.round(early)} ms before the time that it asked for`,
  )
}

/**
 * A process makes no call for a run whose final record it has known for longer than a session time-out. It knows only
 * records whose acknowledgements it got itself, since processes read no results. So it may repeat once, after a crash, what
 * another process has ended. {@link callAskedFor} bounds these repeats.
 */
function noCallAfterFinal(facts: Facts, { process, run, attempt }: Attempt): void {
  const knownAt = process.finals.get(run.key)
  if (knownAt === undefined) return
  const age = process.loop.time() - knownAt
  if (age <= facts.plan.sessionMs) return
  facts.report(
    'no-call-after-final',
    `${process.name} calls for ${describe(run, attempt)}, whose final record was acknowledged to it ${Math.round(age)} ms ago`,
  )
}

/**
 * Every call has a record that asks for it. The process owns the record's partition and was given the record in this epoch.
 * No commit covered the record at the start of the epoch, and it has not led to a call in this epoch before. So only calls
 * that were sent and not covered are repeated, and a process without the partition makes no calls for its records. After a
 * lost acknowledgement a record may be in the log twice. Each copy may lead to a call, unless the process has handled the
 * other one before.
 */
function callAskedFor(facts: Facts, { process, run, attempt }: Attempt): Source | undefined {
  const whys: string[] = []
  for (const source of run.sources.toReversed()) {
    if (source.attempt !== attempt - 1) continue
    const why = whyNot(facts, process, run, source)
    if (why === undefined) {
      handoverRepeatsNothing(facts, { process, run, attempt }, source)
      return source
    }
    whys.push(`${placeOf(source)} ${why}`)
  }
  facts.report(
    'call-asked-for',
    `${process.name} calls for ${describe(run, attempt)}, and no record asks for it: ${whys.join('; ') || 'no such record'}`,
  )
  return undefined
}

function whyNot(facts: Facts, process: ProcessView, run: Run, source: Source): string | undefined {
  const epoch = process.epochs.get(`${source.topic}/${source.partition}`)
  if (epoch === undefined) return 'is in a partition that the process does not own'
  const owner = facts.coordinators[epoch.group].ownerOf(source)
  if (owner !== process.members[epoch.group].memberId) return 'is owned by another member now'
  if (!epoch.fetched.has(source.offset)) return 'was not given to the process'
  if (covers(epoch.coverage, source.offset))
    return 'was complete when the process got the partition'
  if (source.calls.some((call) => call.epoch === epoch)) return 'has led to a call already'
  if (isLateCopy(facts, process, run, source))
    return 'is a copy of a record that the process has handled'
  return undefined
}

/** The most by which the clocks of processes differ. */
const maxSkewMs = 1_500

/**
 * Whether the process had handled another copy of the record before it could handle this one. Records of events have no
 * copies, since they are told apart by their offsets.
 */
function isLateCopy(facts: Facts, process: ProcessView, run: Run, source: Source): boolean {
  if (facts.chronicle.eventsByPlace.has(placeOf(source))) return false
  const handledAt = process.handled.get(handledKey(run, source))
  const delayMs = facts.plan.tiers.find(({ topic }) => topic === source.topic)?.delayMs ?? 0
  return handledAt !== undefined && handledAt + maxSkewMs < source.at + delayMs
}

/**
 * An orderly hand-over repeats only calls that took longer than the drain's budget, or so long that they were not expected to
 * succeed any more. It repeats no call that was answered before, and none of its siblings.
 */
function handoverRepeatsNothing(
  facts: Facts,
  { process, run, attempt }: Omit<Attempt, 'request'>,
  source: Source,
): void {
  const before = source.calls.find((call) => hadTime(facts, run, call))
  if (before === undefined) return
  const { epoch, startedAt, ending, endedAt = 0 } = before
  facts.report(
    'handover-repeats-nothing',
    `${process.name} calls again for ${describe(run, attempt)}: ${epoch.process.name} handed ${placeOf(source)} over in good order, and its call of ${Math.round(startedAt)} ms was ${ending} ${Math.round(endedAt - startedAt)} ms later`,
  )
}

/** Whether the call was answered, or aborted, while the process that gave up its partition in good order had to wait for it. */
function hadTime(facts: Facts, run: Run, call: CallMade): boolean {
  const { epoch, startedAt, ending, endedAt } = call
  const { end, release, process } = epoch
  if (end !== 'orderly' || release === undefined || ending === 'open') return false
  const { from, budgetMs, isStop } = release
  const releasedBy = from + budgetMs
  if (endedAt === undefined || endedAt >= releasedBy) return false
  if (isStop && ending === 'answered') return true
  if (isStop && startedAt < from) return endedAt < releasedBy - limits.drainBudgetMs
  return endedAt - startedAt <= expectedWithinMs(facts, run, { process, from })
}

/**
 * How long a call has at least to last until the process no longer expects that it succeeds: a second, or three times as long
 * as those that succeeded; half a second where none had when the process began to wait. Of an edited hook, nothing may be known.
 */
function expectedWithinMs(
  facts: Facts,
  { hookId, isRequested }: Run,
  { process, from }: { readonly process: ProcessView; readonly from: number },
): number {
  const known = endpointFactsOf(facts, hookId).known.get(process)
  if (known === undefined) return unknownPatienceMs
  const { shortestSuccessMs, firstSuccessAt, longestFailureMs } = known
  if (firstSuccessAt < from) {
    const isKnown = !isRequested && !facts.book.isEdited(hookId)
    return isKnown ? Math.max(longCallMs, 3 * shortestSuccessMs) : unknownPatienceMs
  }
  return longestFailureMs > longCallMs ? 0 : unknownPatienceMs
}

/**
 * Attempt numbers of a run never fall, and none is left out. After the death of a process, its successor may begin with an
 * earlier record of the run. So the check looks only at the calls of one process in one epoch of the record's partition.
 */
function attemptsDoNotFall(
  facts: Facts,
  { process, run, attempt }: Attempt,
  source: Source | undefined,
): void {
  if (attempt > run.maxAttempts + 1) {
    facts.report(
      'attempts-do-not-fall',
      `${process.name} makes ${describe(run, attempt)}, and no attempt ${attempt - 1} was made`,
    )
  }
  if (source === undefined || attempt > run.maxAttempts) return
  const isRepeated = source.calls.length > 0
  const isCopied = run.sources.some(
    (other) => other !== source && other.attempt === source.attempt && other.calls.length > 0,
  )
  if (isRepeated || isCopied) return
  facts.report(
    'attempts-do-not-fall',
    `${process.name} makes ${describe(run, attempt)} after attempt ${run.maxAttempts}, though nothing was repeated`,
  )
}

function noteCall(
  facts: Facts,
  { process, run, attempt, request }: Attempt,
  source: Source | undefined,
): (result: AttemptResult) => void {
  const { loop } = process
  const endpoint = endpointFactsOf(facts, run.hookId)
  const made: CallMade | undefined =
    source === undefined
      ? undefined
      : {
          epoch: epochOf(process, source),
          startedAt: loop.time(),
          attemptedAt: loop.clock.now(),
          ending: 'open',
          endedAt: undefined,
        }
  if (made !== undefined) source?.calls.push(made)
  run.maxAttempts = Math.max(run.maxAttempts, attempt)
  run.firstCallAt ??= loop.time()
  endpoint.inFlight += 1
  endpoint.lastCallAt = loop.time()
  return (result) => {
    const isGood = result.kind === 'response' && result.status >= 200 && result.status < 300
    endpoint.inFlight -= 1
    endpoint.lastEndAt = loop.time()
    endpoint.knownTo.add(process)
    if (made !== undefined) {
      made.ending = result.kind === 'aborted' ? 'aborted' : 'answered'
      made.endedAt = loop.time()
      if (!run.isRequested) noteLength(endpoint, made, isGood)
    }
    if (run.firstEndAt === undefined) {
      run.firstEndAt = loop.time()
      run.isDisturbed = (facts.quietSince() ?? loop.time()) > run.begunAt
    }
    if (isGood) endpoint.healthySince ??= loop.time()
    else if (result.kind !== 'aborted') {
      endpoint.failures += 1
      endpoint.healthySince = undefined
    }
    noteAnswer(facts, process, { run, request, result })
  }
}

function noteLength(
  { known }: EndpointFacts,
  { epoch, ending, startedAt, endedAt = startedAt }: CallMade,
  isGood: boolean,
): void {
  if (ending === 'aborted') return
  const { process } = epoch
  const nothing = { shortestSuccessMs: Infinity, firstSuccessAt: Infinity, longestFailureMs: 0 }
  const of = known.get(process) ?? nothing
  const ms = endedAt - startedAt
  if (isGood) {
    of.shortestSuccessMs = Math.min(of.shortestSuccessMs, ms)
    of.firstSuccessAt = Math.min(of.firstSuccessAt, endedAt)
  } else of.longestFailureMs = Math.max(of.longestFailureMs, ms)
  known.set(process, of)
}

function noteAnswer(
  facts: Facts,
  process: ProcessView,
  {
    run,
    request,
    result,
  }: { readonly run: Run; readonly request: HttpRequest; readonly result: AttemptResult },
): void {
  if (result.kind !== 'response') return
  const { status, retryAfterMs } = result
  if (status === 410) noteGone(facts, process, run, request.url)
  if ((status === 429 || status === 503) && retryAfterMs !== undefined) {
    const { pausedUntil } = endpointFactsOf(facts, run.hookId)
    const until = process.loop.time() + retryAfterMs
    pausedUntil.set(process, Math.max(until, pausedUntil.get(process) ?? 0))
  }
}

/** A process that got a 410 knows the endpoint as disabled, as long as the hook exists. */
function noteGone(facts: Facts, process: ProcessView, { hookId }: Run, url: string): void {
  const record = process.hooks.get(hookId)
  const isCurrent = record !== undefined && hookIn(record)?.url === url
  if (!isCurrent || facts.book.get(hookId)?.url !== url) return
  const enableEpoch = process.endpoints.get(hookId)?.enableEpoch ?? 0
  process.endpoints.set(hookId, { state: 'disabled', enableEpoch, endpoint: urlMark(url) })
}

function epochOf(process: ProcessView, source: Source): Epoch {
  const epoch = process.epochs.get(`${source.topic}/${source.partition}`)
  if (epoch === undefined) throw new RangeError('the record of this call is in no owned partition')
  return epoch
}

export function handledKey(run: Run, { attempt, hop }: Pick<Source, 'attempt' | 'hop'>): string {
  return `${run.key} ${attempt} ${hop}`
}

export function describe(run: Run, attempt: number): string {
  return `attempt ${attempt} of ${run.deliveryId} (${run.hookId}, begun by ${run.begunBy})`
}
