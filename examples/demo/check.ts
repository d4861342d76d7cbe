/** Whether three accounts of the same calls agree: what was expected, what the receiver got, what the results say. */
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { ReceivedRequest } from '../sandbox/sandbox.ts'
import type { Expectation, ExpectedCall, ExpectedRejection } from './script.ts'

export interface Evidence {
  readonly received: readonly ReceivedRequest[]
  /** All of the results topic. */
  readonly results: readonly DeliveryResult[]
  /** All of the topic of rejected events. */
  readonly rejected: readonly ExpectedRejection[]
}

/** One sentence for each difference; none when all agree. */
export function differencesBetween(
  { calls, rejections }: Expectation,
  { received, results, rejected }: Evidence,
): readonly string[] {
  return [
    ...differencesIn(calls, received, {
      missing: 'the receiver got no call',
      keyOf: keyOfRequest,
      describe: ({ method, path, headers }) =>
        `the receiver got a call that nobody expected: ${method} ${path}, attempt ${headers['hooktide-attempt'] ?? '?'} of ${headers['webhook-id'] ?? 'no delivery'}`,
      faultsOf: requestFaults,
    }),
    ...differencesIn(calls, results, {
      missing: 'the results topic has no record',
      keyOf: ({ deliveryId, attempt }) => keyOfCall(deliveryId, attempt),
      describe: ({ hookId, eventId, attempt, outcome }) =>
        `the results topic has a record that nobody expected: ${outcome}, attempt ${attempt ?? '-'} of ${eventId} for ${hookId}`,
      faultsOf: resultFaults,
    }),
    ...rejectionDifferences(rejections, rejected),
  ]
}

/** How one account is held against the expected calls. */
interface Account<Item> {
  readonly missing: string
  readonly keyOf: (item: Item) => string
  readonly describe: (item: Item) => string
  readonly faultsOf: (call: ExpectedCall, item: Item) => readonly string[]
}

/** Each call has exactly one item: a second one is as unexpected as one of another call. */
function differencesIn<Item>(
  calls: readonly ExpectedCall[],
  items: readonly Item[],
  account: Account<Item>,
): readonly string[] {
  const awaited = new Map(calls.map((call) => [keyOfCall(call.deliveryId, call.attempt), call]))
  const differences: string[] = []
  for (const item of items) {
    const key = account.keyOf(item)
    const call = awaited.get(key)
    awaited.delete(key)
    if (call === undefined) differences.push(account.describe(item))
    else differences.push(...account.faultsOf(call, item).map((fault) => about(call, fault)))
  }
  return [...differences, ...[...awaited.values()].map((call) => about(call, account.missing))]
}

/** Names a call. */
export function keyOfCall(deliveryId: string, attempt: number | string | null): string {
  return `${deliveryId} ${attempt ?? 'none'}`
}

/** Names the call that a request claims to be. */
export function keyOfRequest({ headers }: Pick<ReceivedRequest, 'headers'>): string {
  return keyOfCall(headers['webhook-id'] ?? 'none', headers['hooktide-attempt'] ?? null)
}

function about({ hookId, eventId, attempt }: ExpectedCall, fault: string): string {
  return `${hookId}, attempt ${attempt} of ${eventId}: ${fault}`
}

function requestFaults(call: ExpectedCall, request: ReceivedRequest): readonly string[] {
  const faults = signatureFaults(request)
  return request.path === call.path
    ? faults
    : [`the call came to ${request.path}, not to ${call.path}`, ...faults]
}

/** What is wrong with the signatures of a call; empty when both were verified. */
export function signatureFaults({
  logtoSignature,
  standardSignature,
}: Pick<ReceivedRequest, 'logtoSignature' | 'standardSignature'>): readonly string[] {
  return [
    ...(logtoSignature === 'valid' ? [] : [`Logto’s signature is ${logtoSignature}`]),
    ...(standardSignature === 'valid'
      ? []
      : [`the Standard Webhooks signature is ${standardSignature}`]),
  ]
}

function resultFaults(call: ExpectedCall, result: DeliveryResult): readonly string[] {
  const { outcome, statusCode, final } = result
  const isExpected =
    outcome === call.outcome &&
    statusCode === call.status &&
    final === (call.outcome !== 'retrying') &&
    result.hookId === call.hookId
  if (isExpected) return []
  const end = final ? 'final' : 'not final'
  return [
    `recorded for ${result.hookId} as ${outcome} (${end}) after ${statusCode ?? 'no answer'}, not as ${call.outcome} after ${call.status}`,
  ]
}

/** Rejected events have no id: as many of each reason have to be there as were expected. */
function rejectionDifferences(
  expected: readonly ExpectedRejection[],
  rejected: readonly ExpectedRejection[],
): readonly string[] {
  const surplus = rejected.map(nameOf)
  const missing: string[] = []
  for (const name of expected.map(nameOf)) {
    const index = surplus.indexOf(name)
    if (index < 0) missing.push(name)
    else surplus.splice(index, 1)
  }
  return [
    ...missing.map((name) => `the topic of rejected events lacks one: ${name}`),
    ...surplus.map((name) => `the topic of rejected events has one that nobody expected: ${name}`),
  ]
}

function nameOf({ reason, field }: ExpectedRejection): string {
  return `${reason} ${field}`.trim()
}
