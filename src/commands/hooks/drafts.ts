/**
 * Hooks that a command is about to write: as they were given, completed, and with all that is wrong with them. They are
 * written all or none.
 */
import { randomBytes } from 'node:crypto'
import { UserError } from '../../core/model/errors.ts'
import type { Settings } from '../../settings/settings.ts'
import { checkHookInput, newHookId, newSigningKey } from '../../core/hook/hook.ts'
import type { EncryptionKey } from '../../core/hook/encrypted-text.ts'
import { deliveryFields } from '../../core/hook/fields.ts'
import { fewProblems } from '../../core/hook/problems.ts'
import { withDecryptedSecrets } from '../../core/hook/secrets.ts'
import { withKeysOf } from './key-rotation.ts'
import { isJsonObject, readJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import { isPlainWords } from '../../core/text/plain-words.ts'
import {
  defaultTenant,
  type FieldProblem,
  type HookId,
  type Rejection,
} from '../../core/model/model.ts'
import { filterFault } from '../../edge/filter/cel.ts'
import type { CommandContext } from '../command.ts'
import { destinationWarning } from './destination-warning.ts'
import { decryptIfPossible, encryptedIfPossible, encryptionProblems } from './encryption.ts'
import { hiddenFields } from './shown-secrets.ts'
import { problemLine, tenantOf, type StoredHook } from './topic.ts'
import { warningsOf } from './put-warnings.ts'
import type { Input } from '../input/input-file.ts'
import { faultWords, jsonFaultOf } from '../input/json-fault.ts'
import { splitJson, type InputValue } from '../input/json-input.ts'
import { writeAll } from '../kafka-session.ts'

/** A hook to be written, completed. */
export interface Draft {
  /** Where it stood in the input, such as `[2]`; empty when it was the only one. */
  readonly place: string
  /** `undefined` where the hook came without one, and has one of our making. */
  readonly givenId: string | undefined
  /** The hook as the topic has it; `undefined` where it has none of that id. */
  readonly known: StoredHook | undefined
  readonly hook: JsonObject
  readonly isKeyNew: boolean
  readonly problems: readonly FieldProblem[]
}

/** What drafts are made with. */
export interface Drafting {
  readonly stored: ReadonlyMap<HookId, StoredHook>
  readonly keys: readonly EncryptionKey[]
  /** Makes of an object that was given the one that is completed. */
  readonly prepare?: Prepare
}

/** @param known members of the hook as the topic has it, with its secrets in clear where they can be decrypted */
export type Prepare = (
  members: JsonObject,
  known: JsonObject | undefined,
) => {
  readonly members: JsonObject
  /** Beside those that any hook may have. */
  readonly problems: readonly FieldProblem[]
}

/**
 * The hooks of a file, each completed.
 *
 * @throws UserError that names every field of every hook that is wrong
 */
export function draftsOf(values: readonly InputValue[], drafting: Drafting): readonly Draft[] {
  const drafts = withoutRepeats(values.map((value) => draftOf(value, drafting)))
  refuseFaulty(drafts)
  return drafts
}

/** Says what of them has no effect, or another than it may seem. */
export async function warnOf(drafts: readonly Draft[], context: CommandContext): Promise<void> {
  const destinations = await destinationWarnings(
    drafts.map(({ hook }) => urlOf(hook)),
    context.settings,
  )
  for (const draft of drafts) {
    const destination = destinations.get(urlOf(draft.hook))
    for (const warning of [...warningsOf(draft.hook), ...(destination ?? [])]) {
      context.note(`warning: ${nameOf(draft)}${warning}`)
    }
  }
}

/** @throws UserError when Kafka does not take them */
export async function writeDrafts(
  drafts: readonly Draft[],
  settings: Settings,
  keys: readonly EncryptionKey[],
): Promise<void> {
  await writeAll(
    settings,
    drafts.map(({ hook, known }) => ({
      topic: settings.topics.hooks,
      // A hook that stands under another key than its id stays there: see `StoredHook`.
      key: known?.key ?? String(hook['id']),
      value: Buffer.from(JSON.stringify(encryptedIfPossible(hook, keys))),
      headers: [],
    })),
  )
}

/** @throws UserError when the file has no hook, or something that is not JSON */
export function readValues({ name, bytes }: Input): readonly InputValue[] {
  // Editors of Windows begin files with it. What is written to Kafka is JSON text of our own.
  const isMarked = bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))
  const values = splitJson(isMarked ? bytes.subarray(3) : bytes)
  if (values.length === 0) throw new UserError(`${name} has no hook.`)
  for (const { bytes: value, line } of values) {
    const fault = jsonFaultOf(value.toString('utf8'))
    if (fault !== undefined) throw new UserError(`${name} is not JSON: ${faultWords(fault, line)}.`)
  }
  return values
}

const asGiven: Prepare = (members) => ({ members, problems: [] })

function draftOf(
  { place, bytes }: InputValue,
  { stored, keys, prepare = asGiven }: Drafting,
): Draft {
  const json = readJsonObject(bytes)
  if (json.kind === 'rejected') {
    const problems = [problemOf(json.rejection)]
    return { place, givenId: undefined, known: undefined, hook: {}, isKeyNew: false, problems }
  }
  const id = json.members['id'] ?? newHookId(randomBytes(64))
  const known = typeof id === 'string' ? stored.get(id) : undefined
  const { members, problems: own } = prepare(json.members, known?.members)
  const keptKey = members['signingKey'] ?? (known && keyOf(known))
  const isKeyNew = keptKey === undefined
  const signingKey = keptKey ?? newSigningKey(randomBytes(64))
  const decrypt = decryptIfPossible(keys)
  const completed = withDefaults({ ...members, id, signingKey }, known)
  const hook = withStoredKeys(withDecryptedSecrets(completed, decrypt), known)
  const problems = fewProblems([
    ...own,
    ...checkHookInput(hook, filterFault, decrypt),
    ...encryptionProblems(hook, known?.written ?? {}, keys),
    ...misplacedProblems(hook),
    ...hiddenFields(hook),
    ...tenantProblems(hook, known),
    ...capturedProblems(known),
  ])
  return { place, givenId: textOf(members['id']), known, hook, isKeyNew, problems }
}

function withDefaults(hook: JsonObject, known: StoredHook | undefined): JsonObject {
  return {
    ...hook,
    tenantId: hook['tenantId'] ?? defaultTenant,
    enabled: hook['enabled'] ?? true,
    createdAt: hook['createdAt'] ?? known?.members['createdAt'] ?? Date.now(),
  }
}

function withStoredKeys(hook: JsonObject, known: StoredHook | undefined): JsonObject {
  if (known === undefined) return hook
  const stored = { signingKey: keyOf(known), delivery: known.members['delivery'] }
  return withKeysOf(hook, stored, Date.now())
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Of a value that is JSON already. */
function problemOf({ reason, field, message }: Rejection): FieldProblem {
  if (reason === 'not-an-object') return { field: '', message: 'must be an object' }
  if (reason !== 'duplicate-key') return { field, message }
  return isPlainWords(field)
    ? { field, message: 'is there twice' }
    : {
        field: '',
        message: 'has a member twice, whose name is not shown, since it may be a secret',
      }
}

/** Outside `delivery` these have no effect: a hook that its owner takes for filtered would be sent everything. */
function misplacedProblems(hook: JsonObject): readonly FieldProblem[] {
  return deliveryFields
    .filter((name) => Object.hasOwn(hook, name))
    .map((name) => ({ field: name, message: `belongs into delivery, as delivery.${name}` }))
}

function keyOf({ entry, members }: StoredHook): unknown {
  return entry.kind === 'active' ? entry.hook.signingKey : members['signingKey']
}

/**
 * A hook keeps its tenant. Events that were sent before the change belong to the old one, so the moved hook would not get
 * them, and the old tenant has no hook for them any more.
 */
function tenantProblems(hook: JsonObject, known: StoredHook | undefined): readonly FieldProblem[] {
  const tenantId = known === undefined ? undefined : tenantOf(known)
  if (tenantId === undefined || hook['tenantId'] === tenantId) return []
  const message = `cannot be changed: the hook belongs to ${JSON.stringify(tenantId)}. Delete it and put it under another id`
  return [{ field: 'tenantId', message }]
}

/** What was put would last until the row's next change, and stand beside it under another key. */
function capturedProblems(known: StoredHook | undefined): readonly FieldProblem[] {
  if (known?.isCaptured !== true) return []
  const message = 'is of a row that is captured from a database: change it there'
  return [{ field: 'id', message }]
}

function withoutRepeats(drafts: readonly Draft[]): readonly Draft[] {
  const seen = new Set<unknown>()
  return drafts.map((draft) => {
    const id = draft.hook['id']
    if (id === undefined || !seen.has(id)) {
      seen.add(id)
      return draft
    }
    const problem = { field: 'id', message: `${JSON.stringify(id)} is there twice` }
    return { ...draft, problems: [...draft.problems, problem] }
  })
}

function refuseFaulty(drafts: readonly Draft[]): void {
  const lines = drafts.flatMap((draft) =>
    draft.problems.map((problem) => `${nameOf(draft)}${problemLine(problem)}`),
  )
  if (lines.length > 0) throw UserError.listing('Nothing was written', lines)
}

/** Which of several hooks it is, before what is said of it: by its place, and by the id that it was given. */
function nameOf({ place, givenId }: Draft): string {
  if (place === '') return ''
  return givenId === undefined ? `${place} ` : `${place} ${JSON.stringify(givenId)}: `
}

/** How many names are looked up at once. */
const lookups = 16

/** By URL, each once: a file may hold many hooks, and few hosts. */
async function destinationWarnings(
  urls: readonly string[],
  settings: Settings,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const distinct = [...new Set(urls)]
  const warnings = new Map<string, readonly string[]>()
  for (let start = 0; start < distinct.length; start += lookups) {
    await Promise.all(
      distinct.slice(start, start + lookups).map(async (url) => {
        const warning = await destinationWarning(url, settings)
        if (warning !== undefined) warnings.set(url, [warning])
      }),
    )
  }
  return warnings
}

export function urlOf(hook: JsonObject): string {
  const config = hook['config']
  return isJsonObject(config) ? String(config['url']) : ''
}
