/** From a record of the hook topic to a hook, or to why it is none (docs/hooks.md). */
import { readHookKey, readHookValue, rowNaming, type HookObject } from './captured-change.ts'
import { decryptWith, type Decrypt } from './encrypted-text.ts'
import { parseEndpointUrl } from './endpoint-url.ts'
import { readHookFields, type CheckFilter, type HookReading } from './fields.ts'
import { HookProblems } from './problems.ts'
import { hookIdForm, isHookId } from '../model/identity.ts'
import { Shared } from './shared.ts'
import { isJsonObject } from '../text/json.ts'
import type { FieldProblem, Hook, HookId, InboundRecord, SuspendedHook } from '../model/model.ts'

export type DecodedHook =
  | { readonly kind: 'active'; readonly hook: Hook }
  | { readonly kind: 'suspended'; readonly hook: SuspendedHook }
  | { readonly kind: 'tombstone'; readonly id: HookId }
  /** It is about no hook: its key names none, or its value says so. */
  | { readonly kind: 'unusable'; readonly problem: FieldProblem }

/** The hook that a record is about. */
export function hookIdOf(decoded: DecodedHook): HookId | undefined {
  switch (decoded.kind) {
    case 'active':
    case 'suspended':
      return decoded.hook.id
    case 'tombstone':
      return decoded.id
    case 'unusable':
      return undefined
  }
}

/**
 * Decodes a record of the hook topic: a hook object, or a captured row of Logto's table. A record that is not valid
 * suspends its hook: the last good one may already be gone by compaction, or be what its owner just turned off. So does a
 * secret that cannot be decrypted.
 */
export function decodeHook(
  record: InboundRecord,
  checkFilter: CheckFilter,
  decrypt: Decrypt = withoutKeys,
): DecodedHook {
  const id = record.key === null ? undefined : readHookKey(record.key)
  if (id === undefined) {
    const message = `The record key must be a hook id, ${hookIdForm}, or a JSON struct with one.`
    return { kind: 'unusable', problem: { field: 'key', message } }
  }
  if (record.value === null) return { kind: 'tombstone', id }
  const configVersion = `${record.partition}-${record.offset}`
  const value = readHookValue(record.value)
  switch (value.kind) {
    case 'object':
      return readHook({ id, configVersion }, value, { checkFilter, decrypt })
    case 'deleted':
      return { kind: 'tombstone', id }
    case 'unrelated':
      return { kind: 'unusable', problem: value.problem }
    case 'invalid':
      return { kind: 'suspended', hook: unreadable(id, configVersion, value.problem) }
  }
}

const withoutKeys = decryptWith([])

const sharedLists = new Shared<readonly string[]>({ values: 4_000, keyLength: 512 })
const sharedTenants = new Shared<string>({ values: 100_000, keyLength: 64 })

function readHook(
  { id, configVersion }: Pick<Hook, 'id' | 'configVersion'>,
  { members, problems: unread, isCaptured }: HookObject,
  reading: HookReading,
): DecodedHook {
  const problems = new HookProblems(isCaptured ? rowNaming(unread) : undefined, unread)
  if (members['id'] !== id) problems.report(() => 'id', 'must equal the record key')
  const fields = readHookFields(members, reading, problems)
  const { tenantId } = fields
  if (tenantId !== undefined && problems.count === 0) {
    // No event key has white space in it.
    const events = sharedLists.of(fields.events.join(' '), fields.events)
    const tenant = sharedTenants.of(tenantId, tenantId)
    return { kind: 'active', hook: { ...fields, id, tenantId: tenant, events, configVersion } }
  }
  const { event, events, enabled } = fields
  return {
    kind: 'suspended',
    hook: { id, tenantId, event, events, enabled, problems: problems.list(), configVersion },
  }
}

/**
 * What is wrong with a hook that somebody is about to write: all that would suspend it, and an address that no call
 * could be made to. Records of the topic may have any text there, as in Logto: their deliveries die as `invalid-url`.
 */
export function checkHookInput(
  value: unknown,
  checkFilter: CheckFilter,
  decrypt: Decrypt = withoutKeys,
): readonly FieldProblem[] {
  if (!isJsonObject(value)) return [{ field: '', message: 'must be an object' }]
  const problems = new HookProblems()
  if (!isHookId(value['id'])) problems.report(() => 'id', `must be ${hookIdForm}`)
  const { url } = readHookFields(value, { checkFilter, decrypt }, problems)
  const isUrlRead = !problems
    .list()
    .some(({ field }) => field === 'config' || field === 'config.url')
  const parsed = isUrlRead ? parseEndpointUrl(url) : undefined
  if (parsed?.kind === 'fault') problems.report(() => 'config.url', parsed.message)
  return problems.list()
}

function unreadable(id: HookId, configVersion: string, problem: FieldProblem): SuspendedHook {
  return {
    id,
    tenantId: undefined,
    event: undefined,
    events: [],
    enabled: true,
    problems: [problem],
    configVersion,
  }
}

const lowerCase = '0123456789abcdefghijklmnopqrstuvwxyz'
const alphanumeric = `${lowerCase}ABCDEFGHIJKLMNOPQRSTUVWXYZ`

/** A hook id of Logto's form. @param randomBytes 64 bytes are enough */
export function newHookId(randomBytes: Buffer): HookId {
  return randomText(lowerCase, 21, randomBytes)
}

/** A signing key of Logto's form. @param randomBytes 64 bytes are enough */
export function newSigningKey(randomBytes: Buffer): string {
  return randomText(alphanumeric, 32, randomBytes)
}

/** Every character equally likely: bytes of the alphabet's incomplete last repetition are skipped. */
function randomText(alphabet: string, length: number, randomBytes: Buffer): string {
  const end = 256 - (256 % alphabet.length)
  const usable = [...randomBytes].filter((byte) => byte < end)
  if (usable.length < length) throw new RangeError('Too few random bytes for an id')
  return usable
    .slice(0, length)
    .map((byte) => alphabet.charAt(byte % alphabet.length))
    .join('')
}
