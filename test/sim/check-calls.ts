/** What must hold whenever a call starts. */
import { createHmac } from 'node:crypto'
import type { AttemptResult } from '../../src/core/model/model.ts'
import type { HttpRequest } from '../../src/ports.ts'
import { covers } from './coverage.ts'
import type { CallMade, Run, Source } from './chronicle.ts'
import { endpointFactsOf, placeOf, type Facts } from './facts.ts'
import { hookIn, urlMark } from './hook-book.ts'
import type { Epoch, ProcessView } from './process-view.ts'

interface Attempt {
  readonly process: ProcessView
  readonly run: Run
  readonly attempt: number
  readonly request: HttpRequest
}

/** A call starts. What is returned is to be called when its process hears of its end. */
export function checkCall(
  facts: Facts,
  process: ProcessView,
  request: HttpRequest,
  onAsked: (run: Run, attempt: number, source: Source) => void,
): (result: AttemptResult) => void {
  const { headers, poolKey: hookId, body } = request
  const attempt = Number(headers['hooktide-attempt'])
  const run = facts.chronicle.runOfCall({
    deliveryId: headers['webhook-id'] ?? '',
    hookId,
    attempt,
    traceparent: headers['traceparent'],
    body,
  })
  if (run === undefined) {
    facts.report('call-asked-for', `${process.name} calls ${hookId} for an event that never was`)
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

/** A process asks for proof before it starts calls, and the starting of many takes time of its own. */
const mostTurnMs = 200

/** No call without proof of ownership: membership of both groups was acknowledged within the session time-out. */
function callWithProof(facts: Facts, { process, run, attempt }: Attempt): void {
  for (const group of ['live', 'retry'] as const) {
    const provenAt = process.members[group].provenAt()
    const age = provenAt === undefined ? undefined : process.loop.time() - provenAt
    if (age !== undefined && age < facts.plan.sessionMs + mostTurnMs) continue
    const how = age === undefined ? 'never was proven' : `was proven ${Math.round(age)} ms ago`
    facts.report(
      'call-with-proof',
      `${process.name} calls for ${told(run, attempt)} while its membership of ${group} ${how}`,
    )
  }
}

/** A call goes to the URL of the newest hook record that its process has read, signed with that record's key. */
function callAsHookSays(facts: Facts, { process, run, attempt, request }: Attempt): void {
  const record = process.hooks.get(run.hookId)
  const hook = record === undefined ? undefined : hookIn(record)
  const report = (why: string) =>
    facts.report('call-as-hook-says', `${process.name} calls for ${told(run, attempt)} ${why}`)
  if (hook === undefined) return report('whose hook is deleted')
  if (!hook.enabled) return report('whose hook is disabled')
  if (hook.url !== request.url) return report(`at ${request.url}, where the hook was before`)
  const signature = createHmac('sha256', hook.signingKey).update(request.body).digest('hex')
  if (request.headers['logto-signature-sha-256'] !== signature)
    report('with a key that is not the newest')
}

/** Nothing goes to an endpoint of which the process has read, or been told by a 410, that it is disabled. */
function nothingToDisabled(facts: Facts, { process, run, attempt, request }: Attempt): void {
  const word = process.endpoints.get(run.hookId)
  if (word?.state !== 'disabled' || word.endpoint !== urlMark(request.url)) return
  facts.report(
    'nothing-to-disabled',
    `${process.name} calls for ${told(run, attempt)}, whose endpoint is disabled`,
  )
}

/** Whoever was asked by an endpoint to leave it alone for a time does so, with all that is for it. */
function retryAfterIsHeeded(facts: Facts, { process, run, attempt, request }: Attempt): void {
  const until = endpointFactsOf(facts, run.hookId).pausedUntil.get(process)
  // What is said to be the endpoint's new beginning is no reason to wait.
  if (until === undefined || facts.book.isEdited(run.hookId)) return
  const early = until - process.loop.time()
  if (early <= 1 || process.endpoints.get(run.hookId)?.enableEpoch) return
  facts.report(
    'retry-after-is-heeded',
    `${process.name} calls ${request.url} for ${told(run, attempt)} ${Math.round(early)} ms before the time that it asked for`,
  )
}

/**
 * No call for a run whose final record its process has known for longer than a session time-out. *Known* is what the
 * process itself heard to be in the log: it reads no results, so what another has ended it may repeat once, after a
 * crash, which {@link callAskedFor} bounds.
 */
function noCallAfterFinal(facts: Facts, { process, run, attempt }: Attempt): void {
  const knownAt = process.finals.get(run.key)
  if (knownAt === undefined) return
  const age = process.loop.time() - knownAt
  if (age <= facts.plan.sessionMs) return
  facts.report(
    'no-call-after-final',
    `${process.name} calls for ${told(run, attempt)}, of which it heard ${Math.round(age)} ms ago that it has ended`,
  )
}

/**
 * Every call is asked for by a record that the process owns, was given in this ownership, that no commit covered when
 * the ownership began, and that has not led to a call in it before. So repeats stay within the calls that were sent and
 * not covered, and who does not own a partition calls for none of its records. A record that stands twice, after a lost
 * acknowledgement, may lead to a call by each of its copies, unless the process has finished with the other one.
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
    `${process.name} calls for ${told(run, attempt)}, which nothing asks for: ${whys.join('; ') || 'no such record'}`,
  )
  return undefined
}

function whyNot(facts: Facts, process: ProcessView, run: Run, source: Source): string | undefined {
  const epoch = process.epochs.get(`${source.topic}/${source.partition}`)
  if (epoch === undefined) return 'is in a partition that it does not own'
  const owner = facts.coordinators[epoch.group].ownerOf(source)
  if (owner !== process.members[epoch.group].memberId) return 'is owned by another member now'
  if (!epoch.fetched.has(source.offset)) return 'was not given to it'
  if (covers(epoch.coverage, source.offset)) return 'was complete when it took the partition over'
  if (source.calls.some((call) => call.epoch === epoch)) return 'has led to a call already'
  if (isLateCopy(facts, process, run, source)) return 'is a copy of one that it has finished with'
  return undefined
}

/** Clocks of processes differ by less. */
const mostSkewMs = 1_500

/**
 * Whether the process had finished with another copy of the record before it could take this one up. An event's own runs
 * have none: they are kept apart by their offsets.
 */
function isLateCopy(facts: Facts, process: ProcessView, run: Run, source: Source): boolean {
  if (facts.chronicle.eventsByPlace.has(placeOf(source))) return false
  const handledAt = process.handled.get(handledKey(run, source))
  const delayMs = facts.plan.tiers.find(({ topic }) => topic === source.topic)?.delayMs ?? 0
  return handledAt !== undefined && handledAt + mostSkewMs < source.at + delayMs
}

/**
 * An orderly hand-over repeats no call that was answered before it, nor any of its siblings that was: only calls that
 * took longer than the drain's budget.
 */
function handoverRepeatsNothing(
  facts: Facts,
  { process, run, attempt }: Omit<Attempt, 'request'>,
  source: Source,
): void {
  const before = source.calls.find(wasHandedOver)
  if (before === undefined) return
  facts.report(
    'handover-repeats-nothing',
    `${process.name} calls again for ${told(run, attempt)}: ${before.epoch.process.name} had its answer at ${Math.round(before.startedAt)} ms or later, and handed ${placeOf(source)} over in good order`,
  )
}

function wasHandedOver({ epoch, ending, endedAt = Number.POSITIVE_INFINITY }: CallMade): boolean {
  return epoch.end === 'orderly' && ending === 'answered' && endedAt < (epoch.releasedBy ?? 0)
}

/**
 * Attempt numbers of a run never fall, and none is left out. When a process has died, its successor may begin with an
 * earlier record of the run, so this holds of what one process calls in one ownership of the partition that the attempt's
 * record is in.
 */
function attemptsDoNotFall(
  facts: Facts,
  { process, run, attempt }: Attempt,
  source: Source | undefined,
): void {
  if (attempt > run.mostAttempts + 1) {
    facts.report(
      'attempts-do-not-fall',
      `${process.name} makes ${told(run, attempt)}, and no attempt ${attempt - 1} was made`,
    )
  }
  if (source === undefined || attempt > run.mostAttempts) return
  const isRepeated = source.calls.length > 0
  const isCopied = run.sources.some(
    (other) => other !== source && other.attempt === source.attempt && other.calls.length > 0,
  )
  if (isRepeated || isCopied) return
  facts.report(
    'attempts-do-not-fall',
    `${process.name} makes ${told(run, attempt)} after attempt ${run.mostAttempts}, though nothing was repeated`,
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
  run.mostAttempts = Math.max(run.mostAttempts, attempt)
  run.firstCallAt ??= loop.time()
  endpoint.inFlight += 1
  endpoint.lastCallAt = loop.time()
  return (result) => {
    endpoint.inFlight -= 1
    endpoint.lastEndAt = loop.time()
    if (made !== undefined) {
      made.ending = result.kind === 'aborted' ? 'aborted' : 'answered'
      made.endedAt = loop.time()
    }
    if (run.firstEndAt === undefined) {
      run.firstEndAt = loop.time()
      run.isDisturbed = (facts.quietSince() ?? loop.time()) > run.begunAt
    }
    const isGood = result.kind === 'response' && result.status >= 200 && result.status < 300
    if (isGood) endpoint.wellSince ??= loop.time()
    else if (result.kind !== 'aborted') {
      endpoint.failures += 1
      endpoint.wellSince = undefined
    }
    noteAnswer(facts, process, { run, request, result })
  }
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

/** Whoever hears of a 410 knows that the endpoint is disabled, as long as the hook is still there. */
function noteGone(facts: Facts, process: ProcessView, { hookId }: Run, url: string): void {
  const record = process.hooks.get(hookId)
  const isCurrent = record !== undefined && hookIn(record)?.url === url
  if (!isCurrent || facts.book.get(hookId)?.url !== url) return
  const enableEpoch = process.endpoints.get(hookId)?.enableEpoch ?? 0
  process.endpoints.set(hookId, { state: 'disabled', enableEpoch, endpoint: urlMark(url) })
}

function epochOf(process: ProcessView, source: Source): Epoch {
  const epoch = process.epochs.get(`${source.topic}/${source.partition}`)
  if (epoch === undefined)
    throw new RangeError('a call that was asked for is of a partition that is owned')
  return epoch
}

export function handledKey(run: Run, { attempt, hop }: Pick<Source, 'attempt' | 'hop'>): string {
  return `${run.key} ${attempt} ${hop}`
}

export function told(run: Run, attempt: number): string {
  return `attempt ${attempt} of ${run.deliveryId} (${run.hookId}, begun by ${run.begunBy})`
}
