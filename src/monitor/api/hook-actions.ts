/** What changes hooks and their endpoints, as Logto's Management API has it. Commands do the work. */
import { isDeepStrictEqual } from 'node:util'
import { deliveryFields } from '../../core/hook/fields.ts'
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import { hookWithoutSecrets } from '../../commands/hooks/hidden-secrets.ts'
import type { StoredHook } from '../../commands/hooks/topic.ts'
import { carryOut, loadedHooks, readBack, storedHook } from './acting.ts'
import { hookForm } from './hook-form.ts'
import type { ApiParts } from './parts.ts'
import { textIn } from './query.ts'
import { ApiError, type ApiAnswer, type ApiRequest, type Route } from './route.ts'
import { object, reference, text } from './schemas.ts'

const hookBody = {
  type: 'object',
  description:
    'Fields of a hook; null for what it is to have no more. config is replaced as a whole. Other members are ignored.',
  properties: {
    name: { type: 'string', maxLength: 256 },
    event: { type: ['string', 'null'] },
    events: { type: 'array', items: { type: 'string' }, maxItems: 256 },
    config: { type: 'object' },
    enabled: { type: 'boolean' },
    delivery: { type: ['object', 'null'] },
    tenantId: { type: 'string' },
  },
}

const error = reference('Error')
const hookOrError = { 200: reference('Hook'), 400: error, 404: error, 422: error }

/** How long a test waits for its answers. */
const testWait = '20s'

export function hookActions(parts: ApiParts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/hooks',
      summary: 'Create a hook. Its signing key is answered this once.',
      body: hookBody,
      answers: { 201: reference('Hook'), 400: error, 422: error },
      isAction: true,
      handle: (request) => create(parts, request),
    },
    {
      method: 'PATCH',
      path: '/api/hooks/{id}',
      summary: 'Change fields of a hook.',
      body: hookBody,
      answers: hookOrError,
      isAction: true,
      handle: (request) => change(parts, request),
    },
    {
      method: 'DELETE',
      path: '/api/hooks/{id}',
      summary: 'Delete a hook. Its waiting retries end as discarded.',
      answers: { 204: undefined, 404: error },
      isAction: true,
      handle: async ({ parameters }) => {
        const { id } = storedHook(parts.view, parameters['id'] ?? '', 'entity.not_found')
        await carryOut(parts, 'hooks delete', { args: [id] })
        await readBack(parts.view, () => !loadedHooks(parts.view).has(id))
        return { status: 204, body: undefined }
      },
    },
  ]
}

/** Keys, tests and endpoints. */
export function hookOperations(parts: ApiParts): readonly Route[] {
  return [
    {
      method: 'PATCH',
      path: '/api/hooks/{id}/signing-key',
      summary:
        'Give a hook a new signing key, which is answered this once. The old one signs for a while.',
      query: {
        overlap: {
          description:
            'How long webhook-signature has the old key too, such as 24h; 0s as in Logto.',
          schema: text,
        },
      },
      answers: hookOrError,
      isAction: true,
      handle: (request) => rotate(parts, request),
    },
    {
      method: 'POST',
      path: '/api/hooks/{id}/test',
      summary: "Send Logto's test payload for events of a hook, and wait for the answers.",
      body: object({ events: { type: 'array', items: text }, config: { type: 'object' } }, [
        'events',
        'config',
      ]),
      answers: { 204: undefined, 400: error, 404: error, 422: error },
      isAction: true,
      handle: (request) => test(parts, request),
    },
    {
      method: 'POST',
      path: '/api/hooks/{id}/endpoint',
      summary: "Give a hook's endpoint a new beginning, or send nothing to it until then.",
      body: object({ state: { enum: ['enabled', 'disabled'] } }),
      answers: hookOrError,
      isAction: true,
      handle: (request) => changeEndpoint(parts, request),
    },
  ]
}

async function create(parts: ApiParts, { body }: ApiRequest): Promise<ApiAnswer> {
  const given = givenFields(body)
  if ((given['events'] ?? given['event'] ?? null) === null) {
    throw new ApiError(400, 'hook.missing_events', 'events must have at least one')
  }
  const input = Buffer.from(JSON.stringify(given))
  const { records } = await carryOut(parts, 'hooks put', { options: { file: '-' }, input })
  const [written] = records
  const fields = isJsonObject(written) ? written : {}
  const id = String(fields['id'])
  await readBack(parts.view, () => loadedHooks(parts.view).has(id))
  return answerWith(parts, 201, id, fields['signingKey'])
}

async function change(parts: ApiParts, { parameters, body }: ApiRequest): Promise<ApiAnswer> {
  const stored = storedHook(parts.view, parameters['id'] ?? '', 'entity.not_exists')
  const given = withoutShown(givenFields(body), stored)
  const { enabled, ...others } = given
  if (typeof enabled === 'boolean' && Object.keys(others).length === 0) {
    return await switchHook(parts, stored, enabled)
  }
  // `hooks put` keeps what the topic has then, which may be newer than what is known here.
  const { enabled: _, ...known } = stored.members
  const kept = Object.entries({ ...known, ...given }).filter(([, value]) => value !== null)
  const hook: JsonObject = { ...Object.fromEntries(kept), id: stored.id }
  const input = Buffer.from(JSON.stringify(hook))
  await carryOut(parts, 'hooks put', { options: { file: '-' }, input })
  await readBack(parts.view, () => isNewer(parts, stored))
  return answerWith(parts, 200, stored.id)
}

/** What callers may set. Members of `delivery` are here only to be refused: the check of hooks says where they belong. */
const settable: ReadonlySet<string> = new Set([
  ...['name', 'event', 'events', 'config', 'enabled', 'createdAt', 'tenantId', 'delivery'],
  ...deliveryFields,
])

/**
 * What a caller sets, each event once. Everything else is ignored, as Logto does: many send back all that they were
 * answered.
 *
 * @throws ApiError 400
 */
function givenFields(body: JsonObject): JsonObject {
  const given = Object.fromEntries(Object.entries(body).filter(([name]) => settable.has(name)))
  const { events } = given
  if (!Array.isArray(events)) return given
  if (events.length === 0) throw invalid('events', 'must have at least one')
  return { ...given, events: [...new Set<unknown>(events)] }
}

/** What was answered with its secrets hidden, and comes back like that, is no change. */
function withoutShown(given: JsonObject, { members }: StoredHook): JsonObject {
  const shown = hookWithoutSecrets(members)
  const isShown = (name: string, value: unknown) =>
    (name === 'config' || name === 'delivery') && isDeepStrictEqual(value, shown[name])
  return Object.fromEntries(Object.entries(given).filter((one) => !isShown(...one)))
}

/** Nothing else of the record changes: neither its secrets nor a URL that new hooks could not have are looked at. */
async function switchHook(
  parts: ApiParts,
  { id }: StoredHook,
  enabled: boolean,
): Promise<ApiAnswer> {
  await carryOut(parts, enabled ? 'hooks enable' : 'hooks disable', { args: [id] })
  await readBack(parts.view, () => storedHook(parts.view, id).entry.hook.enabled === enabled)
  return answerWith(parts, 200, id)
}

async function rotate(parts: ApiParts, { parameters, query }: ApiRequest): Promise<ApiAnswer> {
  const stored = storedHook(parts.view, parameters['id'] ?? '', 'entity.not_exists')
  const overlap = textIn(query, 'overlap')
  const options = overlap === undefined ? {} : { overlap }
  const { records } = await carryOut(parts, 'hooks rotate-key', { args: [stored.id], options })
  await readBack(parts.view, () => isNewer(parts, stored))
  const [written] = records
  return answerWith(
    parts,
    200,
    stored.id,
    isJsonObject(written) ? written['signingKey'] : undefined,
  )
}

async function test(parts: ApiParts, { parameters, body }: ApiRequest): Promise<ApiAnswer> {
  const stored = storedHook(parts.view, parameters['id'] ?? '')
  refuseOtherConfig(stored, body['config'])
  const events = eventsIn(body['events'])
  const { records } = await carryOut(parts, 'hooks test', {
    args: [stored.id],
    options: { wait: testWait, ...(events === undefined ? {} : { event: events }) },
  })
  const answers = records.filter(isJsonObject)
  const failed = answers.find((result) => result['outcome'] !== 'delivered')
  if (failed === undefined && answers.length > 0) return { status: 204, body: undefined }
  throw testFailure(failed ?? {})
}

/** As Logto tells it. */
function testFailure({ statusCode, responseBody, errorMessage, reason }: JsonObject): ApiError {
  if (typeof statusCode === 'number') {
    const data = {
      responseStatus: statusCode,
      responseBody: typeof responseBody === 'string' ? responseBody : '',
    }
    const message = `The endpoint answered ${statusCode}.`
    return new ApiError(422, 'hook.endpoint_responded_with_error', message, data)
  }
  const why = errorMessage ?? reason
  const silence = `no answer within ${testWait}: is hooktide run running?`
  const message = typeof why === 'string' ? why : silence
  return new ApiError(422, 'hook.send_test_payload_failed', message)
}

async function changeEndpoint(
  parts: ApiParts,
  { parameters, body }: ApiRequest,
): Promise<ApiAnswer> {
  const { id } = storedHook(parts.view, parameters['id'] ?? '')
  const { state } = body
  if (state !== 'enabled' && state !== 'disabled') {
    throw invalid('state', 'must be enabled or disabled')
  }
  const known = parts.view.endpoints.get(id)
  const name = state === 'enabled' ? 'endpoints enable' : 'endpoints disable'
  const { records } = await carryOut(parts, name, { args: [id] })
  const [written] = records
  const isChanged = isJsonObject(written) && JSON.stringify(written) !== JSON.stringify(known)
  if (isChanged) await readBack(parts.view, () => parts.view.endpoints.get(id) !== known)
  return answerWith(parts, 200, id)
}

function answerWith(parts: ApiParts, status: number, id: string, signingKey?: unknown): ApiAnswer {
  const form = hookForm(storedHook(parts.view, id), parts.view.endpoints.get(id))
  return { status, body: typeof signingKey === 'string' ? { ...form, signingKey } : form }
}

function isNewer({ view }: ApiParts, { id, entry }: StoredHook): boolean {
  const now = loadedHooks(view).get(id)
  return now?.entry.hook.configVersion !== entry.hook.configVersion
}

/** Logto sends tests to the configuration that comes with the request. Here a test takes the hook's own way. */
function refuseOtherConfig({ entry }: StoredHook, config: unknown): void {
  const url = isJsonObject(config) ? config['url'] : undefined
  if (url === undefined || entry.kind !== 'active' || url === entry.hook.url) return
  const message =
    "config.url is not the hook's: tests go the way of its deliveries. Change the hook first"
  throw new ApiError(422, 'hook.other_config', message)
}

function eventsIn(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length === 0)
    throw invalid('events', 'must be a list of event keys')
  return value.map(String)
}

function invalid(field: string, message: string): ApiError {
  return new ApiError(400, 'guard.invalid_input', `${field} ${message}`, { field })
}
