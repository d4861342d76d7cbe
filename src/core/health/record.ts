/** Records of the topic of endpoint health: to bytes and back, and which of two counts (docs/results.md, Endpoint health). */
import { hash } from 'node:crypto'
import { isHookId } from '../model/identity.ts'
import type { JsonObject } from '../text/json.ts'
import { readJsonObject } from '../text/json-text.ts'
import type { EpochMs, FieldProblem, Hook, HookId, InboundRecord } from '../model/model.ts'
import { endpointStates, type EndpointState } from '../model/record-values.ts'
import type { EndpointRecord } from '../model/records.ts'

/** What was said of an endpoint, read and checked. */
export type Health = Pick<EndpointRecord, Exclude<HealthField, 'state'>> & {
  readonly state: EndpointState
}

type HealthField =
  | 'hookId'
  | 'tenantId'
  | 'state'
  | 'since'
  | 'reason'
  | 'until'
  | 'failingSince'
  | 'lastFailureAt'
  | 'failures'
  | 'lastSuccessAt'
  | 'enableEpoch'
  | 'endpoint'
  | 'configVersion'
  | 'instance'
  | 'at'

export type DecodedHealth =
  | { readonly kind: 'health'; readonly health: Health }
  /** The hook is gone. */
  | { readonly kind: 'tombstone'; readonly hookId: HookId }
  | { readonly kind: 'unusable'; readonly problem: FieldProblem }

/** A process writes at most one record of a hook in so long, in milliseconds. */
export const leastBetweenWritesMs = 10_000

/** Tells one URL from another without showing it: URLs may hold secrets. */
export function endpointOf(url: string): string {
  return hash('sha256', url, 'hex').slice(0, 16)
}

export function encodeHealth(health: Health): Buffer {
  return Buffer.from(JSON.stringify(health))
}

export function decodeHealth({ key, value }: Pick<InboundRecord, 'key' | 'value'>): DecodedHealth {
  const hookId = key?.toString()
  if (!isHookId(hookId)) return unusable('key', 'must be a hook id')
  if (value === null) return { kind: 'tombstone', hookId }
  const read = readJsonObject(value)
  if (read.kind === 'rejected') return unusable('', 'is no JSON object')
  const problems: FieldProblem[] = []
  if (isHealth(hookId, read.members, problems)) {
    return { kind: 'health', health: withoutOthers(read.members) }
  }
  return { kind: 'unusable', problem: problems[0] ?? { field: '', message: 'is no health' } }
}

/** Whether what was read replaces what is known: a new beginning counts, and without one a disabled endpoint stays so. */
export function supersedes(incoming: Health, known: Health | undefined): boolean {
  if (known === undefined) return true
  if (incoming.enableEpoch !== known.enableEpoch) return incoming.enableEpoch > known.enableEpoch
  return known.state !== 'disabled' || incoming.state === 'disabled'
}

/**
 * How a hook's record stands to what is known of its endpoint: of the same URL; of another one and written later; or
 * written before, so that whoever has it reads the hook topic late. Records of two partitions have no order.
 */
export type UrlStanding = 'same' | 'newer' | 'older' | 'unordered'

export function urlStanding(
  hook: Pick<Hook, 'url' | 'configVersion'>,
  known: Pick<Health, 'endpoint' | 'configVersion'>,
): UrlStanding {
  if (endpointOf(hook.url) === known.endpoint) return 'same'
  const [partition, offset] = versionOf(hook.configVersion)
  const [knownPartition, knownOffset] = versionOf(known.configVersion)
  if (partition !== knownPartition) return 'unordered'
  return offset > knownOffset ? 'newer' : 'older'
}

/** Whether nothing is sent to the hook as it is: a processor that reads a new URL begins anew, be it started only later. */
export function isDisabledFor(
  hook: Pick<Hook, 'url' | 'configVersion'>,
  known: Health | undefined,
): boolean {
  if (known?.state !== 'disabled') return false
  const standing = urlStanding(hook, known)
  return standing === 'same' || standing === 'older'
}

/** The health that begins anew for a hook as it is. */
export function renewed(
  hook: Pick<Hook, 'id' | 'tenantId' | 'url' | 'configVersion'>,
  known: Health | undefined,
  renewal: {
    readonly reason: 'operator' | 'url-changed'
    readonly instance: string
    readonly at: EpochMs
  },
): Health {
  return {
    hookId: hook.id,
    tenantId: hook.tenantId,
    state: 'healthy',
    since: renewal.at,
    until: null,
    failingSince: null,
    lastFailureAt: null,
    failures: 0,
    lastSuccessAt: known?.lastSuccessAt ?? null,
    enableEpoch: (known?.enableEpoch ?? 0) + 1,
    endpoint: endpointOf(hook.url),
    configVersion: hook.configVersion,
    ...renewal,
  }
}

function versionOf(configVersion: string): readonly [partition: number, offset: number] {
  const [partition, offset] = configVersion.split('-')
  return [Number(partition), Number(offset)]
}

const counts = ['since', 'failures', 'enableEpoch', 'at'] as const
const optionalCounts = ['until', 'failingSince', 'lastFailureAt', 'lastSuccessAt'] as const
const texts = {
  tenantId: /^.{1,128}$/su,
  reason: /^.{1,64}$/su,
  endpoint: /^[0-9a-f]{16}$/,
  configVersion: /^\d{1,10}-\d{1,16}$/,
  instance: /^.{1,256}$/su,
} as const

/** @param problems is given what is wrong */
function isHealth(
  hookId: HookId,
  members: JsonObject,
  problems: FieldProblem[],
): members is Health {
  const report = (field: string, message: string) => problems.push({ field, message })
  if (members['hookId'] !== hookId) report('hookId', 'must equal the record key')
  if (!isState(members['state'])) report('state', `is none of ${endpointStates.join(', ')}`)
  for (const [field, form] of Object.entries(texts)) {
    const value = members[field]
    if (typeof value !== 'string' || !form.test(value)) report(field, `must fit ${form.source}`)
  }
  for (const field of counts) {
    if (!isCount(members[field])) report(field, 'must be a whole number, not below 0')
  }
  for (const field of optionalCounts) {
    const value = members[field]
    if (value !== null && !isCount(value)) report(field, 'must be a whole number or null')
  }
  return problems.length === 0
}

/** Fields that this version does not know are not kept. */
function withoutOthers(health: Health): Health {
  const { hookId, tenantId, state, since, reason, until, failingSince, lastFailureAt } = health
  const { failures, lastSuccessAt, enableEpoch, endpoint, configVersion, instance, at } = health
  return {
    hookId,
    tenantId,
    state,
    since,
    reason,
    until,
    failingSince,
    lastFailureAt,
    failures,
    lastSuccessAt,
    enableEpoch,
    endpoint,
    configVersion,
    instance,
    at,
  }
}

function unusable(field: string, message: string): DecodedHealth {
  return { kind: 'unusable', problem: { field, message } }
}

function isState(value: unknown): value is EndpointState {
  return endpointStates.some((state) => state === value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
