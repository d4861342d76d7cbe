/**
 * Reads the hooks of a file, adds their defaults, finds their problems, and writes them. Either all hooks of a file are
 * written or none.
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
import { systemClock } from '../../edge/system-clock.ts'
import type { CommandContext } from '../command.ts'
import { destinationsOf, hostOf, hostWarnings } from './destination-warning.ts'
import { decryptIfPossible, encryptedIfPossible, encryptionProblems } from './encryption.ts'
import { hiddenFields } from './hidden-secrets.ts'
import { problemLine, tenantOf, type StoredHook } from './topic.ts'
import { warningsOf } from './put-warnings.ts'
import type { Input } from '../input/input-file.ts'
import { faultText, jsonFaultOf } from '../input/json-fault.ts'
import { splitJson, type InputValue } from '../input/json-input.ts'
import { writeAll } from '../kafka-session.ts'

/** A hook to be written, with its defaults. */
export interface Draft {
  /** Its place in the input, such as `[2]`; empty if it is the only hook. */
  readonly place: string
  /** The id in the input; `undefined` if it had none and got a new one. */
  readonly givenId: string | undefined
  /** The hook with this id in the topic; `undefined` if there is none. */
  readonly known: StoredHook | undefined
  readonly hook: JsonObject
  readonly isKeyNew: boolean
  readonly problems: readonly FieldProblem[]
}

export interface Drafting {
  readonly stored: ReadonlyMap<HookId, StoredHook>
  readonly keys: readonly EncryptionKey[]
  /** Changes the members of each hook before it gets its defaults. */
  readonly prepare?: Prepare
}

/** @param known members of the hook with this id in the topic; its secrets are decrypted if there are keys for them */
export type Prepare = (
  members: JsonObject,
  known: JsonObject | undefined,
) => {
  readonly members: JsonObject
  /** Problems that only this command looks for. */
  readonly problems: readonly FieldProblem[]
}

/** @throws UserError that lists every problem of every hook */
export function draftsOf(values: readonly InputValue[], drafting: Drafting): readonly Draft[] {
  const drafts = withoutRepeats(values.map((value) => draftOf(value, drafting)))
  refuseFaulty(drafts)
  return drafts
}

/** Prints warnings about hooks that are valid, but may not do what their owner expects. */
export async function warnOf(
  drafts: readonly Draft[],
  context: Pick<CommandContext, 'settings' | 'note'>,
): Promise<void> {
  const warnings = await hostWarnings(
    drafts.flatMap(({ hook }) => destinationsOf(hook)),
    context.settings,
  )
  for (const draft of drafts) {
    const own = destinationsOf(draft.hook).map((one) => warnings.get(hostOf(one)))
    for (const warning of [...warningsOf(draft.hook, systemClock.now()), ...own]) {
      if (warning !== undefined) context.note(`warning: ${labelOf(draft)}${warning}`)
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
      // The topic may have the hook under a key other than its id. It keeps that key: see `StoredHook`.
      key: known?.key ?? String(hook['id']),
      value: Buffer.from(JSON.stringify(encryptedIfPossible(hook, keys))),
      headers: [],
    })),
  )
}

/** None for an empty list. @throws UserError when the file is blank or not JSON */
export function readValues({ name, bytes }: Input): readonly InputValue[] {
  // A byte order mark, with which some editors begin files. It is not written to Kafka.
  const isMarked = bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))
  const values = splitJson(isMarked ? bytes.subarray(3) : bytes)
  if (values.length === 0 && bytes.toString().trim() === '') throw withoutHooks(name)
  for (const { bytes: value, line } of values) {
    const fault = jsonFaultOf(value.toString('utf8'))
    if (fault !== undefined) throw new UserError(`${name} is not JSON: ${faultText(fault, line)}.`)
  }
  return values
}

/** @param name of the input */
export function withoutHooks(name: string): UserError {
  return new UserError(`${name} has no hook.`)
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
    // To disable a hook is a decision of its own. A file that says nothing about it does not undo it.
    enabled: hook['enabled'] ?? known?.members['enabled'] !== false,
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

/** @param rejection of a value that is JSON */
function problemOf({ reason, field, message }: Rejection): FieldProblem {
  if (reason === 'not-an-object') return { field: '', message: 'must be an object' }
  if (reason !== 'duplicate-key') return { field, message }
  return isPlainWords(field)
    ? { field, message: 'appears twice' }
    : {
        field: '',
        message: 'has a member twice; its name is not shown, since it may be a secret',
      }
}

/** Outside `delivery` these fields have no effect. A misplaced filter, for example, would let every event through. */
function misplacedProblems(hook: JsonObject): readonly FieldProblem[] {
  return deliveryFields
    .filter((name) => Object.hasOwn(hook, name))
    .map((name) => ({ field: name, message: `belongs in delivery: write it as delivery.${name}` }))
}

function keyOf({ entry, members }: StoredHook): unknown {
  return entry.kind === 'active' ? entry.hook.signingKey : members['signingKey']
}

/**
 * A hook keeps its tenant. Events that were sent before a change belong to the old tenant, so neither the moved hook nor any
 * hook of the old tenant would get them.
 */
function tenantProblems(hook: JsonObject, known: StoredHook | undefined): readonly FieldProblem[] {
  const tenantId = known === undefined ? undefined : tenantOf(known)
  if (tenantId === undefined || hook['tenantId'] === tenantId) return []
  const message = `cannot be changed: the hook belongs to ${JSON.stringify(tenantId)}. Delete it, and put it with another id`
  return [{ field: 'tenantId', message }]
}

/** A captured row is changed in its database: its next change would overwrite what is put here. */
function capturedProblems(known: StoredHook | undefined): readonly FieldProblem[] {
  if (known?.isCaptured !== true) return []
  const message = 'belongs to a row captured from a database: change it there'
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
    const problem = { field: 'id', message: `${JSON.stringify(id)} appears twice` }
    return { ...draft, problems: [...draft.problems, problem] }
  })
}

function refuseFaulty(drafts: readonly Draft[]): void {
  const lines = drafts.flatMap((draft) =>
    draft.problems.map((problem) => `${labelOf(draft)}${problemLine(problem)}`),
  )
  if (lines.length > 0) throw UserError.listing('Nothing was written', lines)
}

/** Begins a message about one of several hooks: its place and its id. */
export function labelOf({ place, givenId }: Draft): string {
  if (place === '') return ''
  return givenId === undefined ? `${place} ` : `${place} ${JSON.stringify(givenId)}: `
}

export function urlOf(hook: JsonObject): string {
  const config = hook['config']
  return isJsonObject(config) ? String(config['url']) : ''
}
