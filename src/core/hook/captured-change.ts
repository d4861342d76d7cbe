/**
 * What a record of the hook topic holds: a hook object, or a row of Logto's `hooks` table as change data capture writes it.
 *
 * The rules follow Debezium's PostgreSQL connector and Kafka Connect's JSON converter, as documented and as versions 3.1
 * and 3.3 were seen to write:
 * - A change is an envelope `{ before, after, source, op, ts_ms }`; `op` is `c`, `u` or `r` (read by a snapshot) with the
 *   row in `after`, or `d`, which a tombstone follows ("Data change events").
 * - `ExtractNewRecordState` leaves the row alone. Of a delete it makes, by `delete.tombstone.handling.mode`, the row with
 *   `__deleted: "true"` (`rewrite`), or a null that has a schema (`tombstone`). That is no tombstone to Kafka, since the
 *   converter writes the text `null`, or `{ schema, payload: null }`, of it ("New Record State Extraction").
 * - With `schemas.enable`, the converter's default, keys and values are wrapped as `{ schema, payload }`.
 * - Keys are structs of the primary key's columns, or what `message.key.columns` or a transform makes of them.
 * - `jsonb` columns are JSON text, `timestamptz` is ISO 8601 text ("Data type mappings").
 * - A large value that an update did not change is `__debezium_unavailable_value`, unless the table's replica identity
 *   is full ("Toasted values"). A connector's setting for another placeholder is not followed: only `events` and `config`
 *   can become so large, and there it is no JSON, which suspends the hook too.
 */
import { parseDateTime } from '../text/calendar.ts'
import type { FieldNaming } from './problems.ts'
import { isHookId } from '../model/identity.ts'
import {
  decodeUtf8,
  isJsonObject,
  isTooDeep,
  parseJson,
  tooDeep,
  type JsonObject,
} from '../text/json.ts'
import { readJsonObject } from '../text/json-text.ts'
import type { EpochMs, FieldProblem, HookId } from '../model/model.ts'
import { shownName } from '../text/plain-words.ts'

const placeholder = '__debezium_unavailable_value'

/**
 * The hook id that a record's key stands for: its text, or JSON text of an id, of a struct with one, or of either in
 * `{ schema, payload }`. A struct may have other columns, such as `tenant_id`. No id begins as JSON does.
 */
export function readHookKey(key: Buffer): HookId | undefined {
  const text = decodeUtf8(key)
  const id = text !== undefined && /^["{]/.test(text) ? idInJson(key, text) : text
  return isHookId(id) ? id : undefined
}

function idInJson(key: Buffer, text: string): unknown {
  if (text.startsWith('"')) return parseJson(text)
  const json = readJsonObject(key)
  if (json.kind === 'rejected') return undefined
  const struct = isWrapped(json.members) ? json.members['payload'] : json.members
  return isJsonObject(struct) ? struct['id'] : struct
}

export interface HookObject {
  readonly kind: 'object'
  /** With the names of a hook object, whatever the record calls them. */
  readonly members: JsonObject
  /** Columns that could not be read; what `members` has in their place is no value of JSON. */
  readonly problems: readonly FieldProblem[]
  /** Whether it is a database where the hook is changed. */
  readonly isCaptured: boolean
}

export type HookValue =
  | HookObject
  | { readonly kind: 'deleted' }
  /** Says nothing about a row. */
  | { readonly kind: 'unrelated'; readonly problem: FieldProblem }
  | { readonly kind: 'invalid'; readonly problem: FieldProblem }

/** Reads the value of a record that is no tombstone. */
export function readHookValue(value: Buffer): HookValue {
  const json = readJsonObject(value)
  if (json.kind === 'object') return openForm(json.members)
  const { reason, field, message } = json.rejection
  if (reason === 'not-an-object' && value.toString().trim() === 'null') return { kind: 'deleted' }
  return { kind: 'invalid', problem: { field: shownName(field), message } }
}

export type HookForm = 'hook' | 'row' | 'change' | 'wrapped'

/**
 * Tells the forms apart by what only one of them has. A hook object always has an `id`, a change never; a row has columns
 * where a hook object has `signingKey`.
 */
export function formOf(members: JsonObject): HookForm {
  const has = (name: string) => Object.hasOwn(members, name)
  if (has('signingKey')) return 'hook'
  if (isWrapped(members)) return 'wrapped'
  if (has('op') && !has('id')) return 'change'
  return has('signing_key') || has('tenant_id') || has('created_at') ? 'row' : 'hook'
}

function isWrapped(members: JsonObject): boolean {
  const names = Object.keys(members)
  return names.length === 2 && names.includes('schema') && names.includes('payload')
}

function openForm(members: JsonObject): HookValue {
  if (isMarkedDeleted(members)) return { kind: 'deleted' }
  switch (formOf(members)) {
    case 'hook':
      return { kind: 'object', members, problems: [], isCaptured: false }
    case 'row':
      return openRow(members)
    case 'change':
      return openChange(members)
    case 'wrapped':
      return openPayload(members['payload'])
  }
}

/** Text by default; a boolean where a transform cast it. It counts in every form: columns may have been renamed. */
function isMarkedDeleted(members: JsonObject): boolean {
  if (!Object.hasOwn(members, '__deleted')) return false
  return members['__deleted'] === 'true' || members['__deleted'] === true
}

function openPayload(payload: unknown): HookValue {
  if (payload === null) return { kind: 'deleted' }
  if (isJsonObject(payload) && !isWrapped(payload)) return openForm(payload)
  return { kind: 'invalid', problem: { field: 'payload', message: 'must be a row or a change' } }
}

function openChange({ op, after }: JsonObject): HookValue {
  switch (op) {
    case 'c':
    case 'r':
    case 'u':
      if (isJsonObject(after)) return openRow(after)
      return { kind: 'invalid', problem: { field: 'after', message: 'must be the row' } }
    case 'd':
      return { kind: 'deleted' }
    case 'm':
    case 't': {
      const message = 'is a message (m) or a truncation (t), which says nothing about one row'
      return { kind: 'unrelated', problem: { field: 'op', message } }
    }
    default:
      return { kind: 'invalid', problem: { field: 'op', message: 'must be c, r, u or d' } }
  }
}

// --- a row --------------------------------------------------------------------------------------------

/** Stands for a column that is there and cannot be read: unlike text, it passes for nothing that a hook may have. */
const unreadable = Symbol('unreadable')

function openRow(row: JsonObject): HookValue {
  const problems: FieldProblem[] = []
  const plain = (column: string): unknown => {
    const value = Object.hasOwn(row, column) ? row[column] : undefined
    if (value !== placeholder) return value
    problems.push({ field: column, message: unavailable })
    return unreadable
  }
  const json = (column: string): unknown => {
    const value = plain(column)
    if (typeof value !== 'string') return value
    const parsed = parseJson(value)
    if (parsed !== undefined) return parsed
    problems.push({
      field: column,
      message: isTooDeep(value) ? tooDeep : 'is text, but not of JSON',
    })
    return unreadable
  }
  const members = {
    tenantId: plain('tenant_id'),
    id: plain('id'),
    name: plain('name'),
    event: plain('event'),
    events: json('events'),
    config: json('config'),
    signingKey: plain('signing_key'),
    enabled: plain('enabled'),
    createdAt: timeOf(row['created_at']),
    // Not a column of Logto's, but of those who keep our options beside the hook.
    delivery: json('delivery'),
  }
  return { kind: 'object', members, problems, isCaptured: true }
}

const unavailable =
  'is large and was left out of the change, as it was not changed itself: ' +
  'run ALTER TABLE hooks REPLICA IDENTITY FULL, then save the hook once more'

/** Where a hook object's field is called otherwise in a row. */
const columns: Readonly<Record<string, string>> = {
  tenantId: 'tenant_id',
  signingKey: 'signing_key',
  createdAt: 'created_at',
}

/** Names fields of a captured hook as its row does; what could not be read is known to be wrong already. */
export function rowNaming(unread: readonly FieldProblem[]): FieldNaming {
  const known = new Set(unread.map(({ field }) => field))
  return (field) => {
    const named = columns[field] ?? field
    return known.has(rootOf(named)) ? undefined : named
  }
}

function rootOf(field: string): string {
  return /^\w*/.exec(field)?.[0] ?? field
}

/**
 * Milliseconds of a `created_at`, for people: no rule depends on it. Text by default; with a converter or transform,
 * milliseconds, microseconds or nanoseconds since 1970, told apart by size: of these only one lies between 1973 and 5138.
 */
function timeOf(value: unknown): EpochMs | undefined {
  if (typeof value === 'string') return parseDateTime(value)
  if (typeof value !== 'number') return undefined
  const divisor = value < 1e14 ? 1 : value < 1e17 ? 1e3 : 1e6
  return Math.floor(value / divisor)
}
