/**
 * Records of the topic of endpoint health: encoding, decoding, and which of two counts (docs/results.md, Endpoint health).
 */
import { hash } from 'node:crypto'
import { isHookId } from '../model/identity.ts'
import type { JsonObject } from '../text/json.ts'
import { readJsonObject } from '../text/json-text.ts'
import type { EpochMs, FieldProblem, Hook, HookId, InboundRecord } from '../model/model.ts'
import { endpointStates, type EndpointState } from '../model/record-values.ts'
import type { EndpointRecord } from '../model/records.ts'

/** A valid report about an endpoint. */
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
  /** The hook was deleted. */
  | { readonly kind: 'tombstone'; readonly hookId: HookId }
  | { readonly kind: 'unusable'; readonly problem: FieldProblem }

/** A process writes at most one record per hook in this time, in milliseconds. */
export const minBetweenWritesMs = 10_000

/** A hash of a URL. Reports have it instead of the URL, which may contain secrets. */
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
  if (read.kind === 'rejected') return unusable('', 'is not a JSON object')
  const problems: FieldProblem[] = []
  if (isHealth(hookId, read.members, problems)) {
    return { kind: 'health', health: withoutOthers(read.members) }
  }
  return {
    kind: 'unusable',
    problem: problems[0] ?? { field: '', message: 'is not a health report' },
  }
}

/**
 * Whether a report that was read replaces the known one. A higher `enableEpoch` always does. Otherwise `disabled` remains.
 */
export function supersedes(
  incoming: Pick<Health, 'state' | 'enableEpoch'>,
  known: Pick<Health, 'state' | 'enableEpoch'> | undefined,
): boolean {
  if (known === undefined) return true
  if (incoming.enableEpoch !== known.enableEpoch) return incoming.enableEpoch > known.enableEpoch
  return known.state !== 'disabled' || incoming.state === 'disabled'
}

/**
 * How the URL of a hook's record relates to the one in the known report:
 *
 * - `same`: the same URL;
 * - `newer`: another URL, in a later record;
 * - `older`: another URL, in an earlier record, so this instance is behind in reading the hook topic;
 * - `unordered`: another URL, in another partition, so neither is known to be later.
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

/** Whether the hook's endpoint is disabled. A record with a newer URL enables it, even if no processor ran meanwhile. */
export function isDisabledFor(
  hook: Pick<Hook, 'url' | 'configVersion'>,
  known: Health | undefined,
): boolean {
  if (known?.state !== 'disabled') return false
  const standing = urlStanding(hook, known)
  return standing === 'same' || standing === 'older'
}

/** What is known of the endpoint that the hook has now: of a new URL nothing is, whatever was said of the old one. */
export function healthFor(
  hook: Pick<Hook, 'url' | 'configVersion'>,
  known: Health | undefined,
): Health | undefined {
  if (known === undefined || urlStanding(hook, known) === 'newer') return undefined
  return known.state === 'disabled' && !isDisabledFor(hook, known) ? undefined : known
}

/** Its state, by {@link healthFor}. */
export function endpointStateOf(
  hook: Pick<Hook, 'url' | 'configVersion'>,
  known: Health | undefined,
): EndpointState {
  return healthFor(hook, known)?.state ?? 'healthy'
}

/** A first report for a hook with a new URL, or whose endpoint was enabled again. */
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

/** @param problems gets every problem that is found */
function isHealth(
  hookId: HookId,
  members: JsonObject,
  problems: FieldProblem[],
): members is Health {
  const report = (field: string, message: string) => problems.push({ field, message })
  if (members['hookId'] !== hookId) report('hookId', 'must equal the record key')
  if (!isState(members['state'])) report('state', `must be one of ${endpointStates.join(', ')}`)
  for (const [field, form] of Object.entries(texts)) {
    const value = members[field]
    if (typeof value !== 'string' || !form.test(value)) report(field, `must match ${form.source}`)
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

/** Removes fields that this version does not know. */
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
