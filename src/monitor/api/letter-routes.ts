/** Dead letters: which there are, and to send them again. */
import { isJsonObject } from '../../core/text/json-text.ts'
import {
  countLetters,
  letterFacets,
  listLetters,
  type LetterFilter,
} from '../index/delivery-queries.ts'
import { carryOut } from './acting.ts'
import type { ActionOutcome, ApiParts } from './parts.ts'
import { momentIn, pageHeaders, pageIn, pageParameters, parameter, textIn } from './query.ts'
import { ApiError, type ApiAnswer, type ApiRequest, type Route } from './route.ts'
import { count, listOf, object, reference, text } from './schemas.ts'

const facet = listOf(object({ value: text, count }))
/** Each is looked for by itself. */
const maxSelected = 100

export function letterRoutes(parts: ApiParts): readonly Route[] {
  const { store } = parts.view.index
  return [
    {
      method: 'GET',
      path: '/api/dead-letters',
      summary: 'Dead letters, the newest first.',
      query: {
        hookId: parameter('Only of this hook.'),
        tenantId: parameter('Only of this tenant.'),
        reason: parameter('Only of this reason.'),
        eventKey: parameter('Only of events with this key.'),
        from: parameter('Not before.'),
        ...pageParameters,
      },
      answers: { 200: listOf(reference('Letter')) },
      isAction: false,
      handle: (request) => {
        const { query } = request
        const filter: LetterFilter = {
          hookId: textIn(query, 'hookId'),
          tenantId: textIn(query, 'tenantId'),
          reason: textIn(query, 'reason'),
          eventKey: textIn(query, 'eventKey'),
          from: momentIn(query, 'from', parts.view.now()),
        }
        const { page, size } = pageIn(query)
        const body = listLetters(store, filter, { offset: (page - 1) * size, limit: size })
        const total = countLetters(store, filter)
        return { status: 200, body, headers: pageHeaders(request, { page, size, total }) }
      },
    },
    {
      method: 'GET',
      path: '/api/dead-letters/facets',
      summary: 'How many dead letters there are by hook, reason and event key.',
      answers: { 200: object({ hookId: facet, reason: facet, eventKey: facet }) },
      isAction: false,
      handle: () => ({
        status: 200,
        body: {
          hookId: letterFacets(store, 'hookId'),
          reason: letterFacets(store, 'reason'),
          eventKey: letterFacets(store, 'eventKey'),
        },
      }),
    },
  ]
}

/** Sending them again. */
export function replayRoutes(parts: ApiParts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/dead-letters/replay',
      summary: 'Send dead letters again. Counts what would be sent, unless dryRun is false.',
      body: {
        type: 'object',
        properties: {
          dryRun: { type: 'boolean', default: true },
          deliveryIds: { type: 'array', items: text, maxItems: maxSelected },
          hookIds: { type: 'array', items: text },
          tenantIds: { type: 'array', items: text },
          reasons: { type: 'array', items: text },
          eventKeys: { type: 'array', items: text },
          from: { type: 'string', description: 'Dead letters since then, such as 24h.' },
        },
        additionalProperties: false,
      },
      answers: { 200: reference('Replay'), 422: reference('Error') },
      isAction: true,
      handle: (request) => replay(parts, request),
    },
  ]
}

async function replay(parts: ApiParts, { body }: ApiRequest): Promise<ApiAnswer> {
  const isDryRun = body['dryRun'] !== false
  const selected = listIn(body, 'deliveryIds')
  if (selected !== undefined) return await resendAll(parts, selected, isDryRun)
  const from = body['from']
  const lists = [
    ['hook', listIn(body, 'hookIds')],
    ['tenant', listIn(body, 'tenantIds')],
    ['reason', listIn(body, 'reasons')],
    ['event', listIn(body, 'eventKeys')],
  ] as const
  const outcome = await carryOut(parts, 'replay', {
    options: {
      'failed-only': true,
      from: typeof from === 'string' ? from : 'earliest',
      ...(isDryRun ? { 'dry-run': true } : {}),
      ...Object.fromEntries(
        lists.flatMap(([name, list]) => (list === undefined ? [] : [[name, list]])),
      ),
    },
  })
  return { status: 200, body: replayForm(outcome, isDryRun) }
}

/** The command prints one object for each hook, then one of the whole. */
function replayForm({ records, notes }: ActionOutcome, dryRun: boolean) {
  const objects = records.filter(isJsonObject)
  const whole = objects.find((one) => 'dryRun' in one) ?? {}
  const byHook = objects.flatMap((one) =>
    typeof one['deliveries'] === 'number'
      ? [
          {
            hookId: String(one['hookId']),
            tenantId: typeof one['tenantId'] === 'string' ? one['tenantId'] : null,
            deliveries: one['deliveries'],
          },
        ]
      : [],
  )
  const leftOut = isJsonObject(whole['leftOut']) ? whole['leftOut'] : {}
  return { dryRun, requests: Number(whole['requests'] ?? 0), byHook, leftOut, notes }
}

async function resendAll(
  parts: ApiParts,
  selected: readonly string[],
  dryRun: boolean,
): Promise<ApiAnswer> {
  const { store } = parts.view.index
  const hooks = selected.flatMap((deliveryId) => {
    const [letter] = listLetters(store, { deliveryId }, { offset: 0, limit: 1 })
    return letter === undefined ? [] : [letter]
  })
  const byHook = [...Map.groupBy(hooks, ({ hookId }) => hookId)].map(([hookId, letters]) => ({
    hookId,
    tenantId: letters[0]?.tenantId ?? null,
    deliveries: letters.length,
  }))
  const notes: string[] = []
  if (!dryRun) {
    for (const { deliveryId } of hooks) {
      try {
        await carryOut(parts, 'resend', { args: [deliveryId] })
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 422) throw error
        notes.push(error.message)
      }
    }
  }
  const body = { dryRun, requests: hooks.length - notes.length, byHook, leftOut: {}, notes }
  return { status: 200, body }
}

function listIn(body: ApiRequest['body'], name: string): readonly string[] | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
  if (isList && value.length > 0 && value.length <= maxSelected) return value
  const message = `${name} must be a list of 1 to ${maxSelected} texts`
  throw new ApiError(400, 'guard.invalid_input', message, { field: name })
}
