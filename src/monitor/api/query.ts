/** Reads the query of a request. What is wrong is said by the name of the parameter. */
import { parseMoment } from '../../commands/option-values.ts'
import type { EpochMs } from '../../core/model/model.ts'
import { ApiError, type ApiRequest, type Parameter } from './route.ts'

type Query = URLSearchParams

/** An empty value is none, as forms send it. */
export function textIn(query: Query, name: string, most = 512): string | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (value.length > most) throw wrong(name, `must have at most ${most} characters`)
  return value
}

export function neededTextIn(query: Query, name: string): string {
  const value = textIn(query, name)
  if (value === undefined) throw wrong(name, 'is missing')
  return value
}

export function integerIn(
  query: Query,
  name: string,
  [min, max]: readonly [min: number, max: number],
): number | undefined {
  const text = textIn(query, name)
  if (text === undefined) return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw wrong(name, `must be a whole number from ${min} to ${max}`)
}

/** Epoch milliseconds, as Logto has them, an ISO time with its zone, or how long ago, such as `15m`. */
export function momentIn(query: Query, name: string, now: EpochMs): EpochMs | undefined {
  const text = textIn(query, name)
  if (text === undefined) return undefined
  const moment = /^\d{1,15}$/.test(text) ? Number(text) : parseMoment(text, now)
  if (moment !== undefined) return moment
  throw wrong(name, 'must be epoch milliseconds, a time with its zone, or how long ago such as 15m')
}

export function oneOfIn<Value extends string>(
  query: Query,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const text = textIn(query, name)
  if (text === undefined) return undefined
  const value = values.find((one) => one === text)
  if (value !== undefined) return value
  throw wrong(name, `must be one of ${values.join(', ')}`)
}

function wrong(name: string, message: string): ApiError {
  return new ApiError(400, 'guard.invalid_input', `${name} ${message}`, { field: name })
}

const text = { type: 'string', maxLength: 512 }

export function parameter(description: string, schema: Parameter['schema'] = text): Parameter {
  return { description, schema }
}

export const pageParameters = {
  page: parameter('Page, from 1.', { type: 'integer', minimum: 1, maximum: 100_000 }),
  page_size: parameter('Items of a page; 20 when absent.', {
    type: 'integer',
    minimum: 1,
    maximum: 100,
  }),
}

export interface NumberedPage {
  readonly page: number
  readonly size: number
}

/**
 * As Logto numbers pages (`koa-pagination.ts`).
 *
 * @returns `undefined` where neither is given: a list that need not be paged is whole then
 * @throws ApiError 400
 */
export function givenPageIn(query: Query): NumberedPage | undefined {
  const [page, size] = [textIn(query, 'page'), textIn(query, 'page_size')]
  if (page === undefined && size === undefined) return undefined
  return {
    page: pageNumber('page', page ?? '1', 100_000),
    size: pageNumber('page_size', size ?? '20', 100),
  }
}

/** The same of a list that is always paged. */
export function pageIn(query: Query): NumberedPage {
  return givenPageIn(query) ?? { page: 1, size: 20 }
}

function pageNumber(name: string, text: string, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= most) return value
  const message = `${name} must be a whole number from 1 to ${most}`
  throw new ApiError(400, 'guard.invalid_pagination', message, { field: name })
}

export interface Paged extends NumberedPage {
  readonly total: number
  /** Whether there may be more than `total`: then nobody knows the last page. */
  readonly isCapped?: boolean
  /** Parameters of the next page where that follows from no total. */
  readonly next?: Readonly<Record<string, number>> | undefined
}

/** Headers that say how many items there are and where the others are, as Logto's. */
export function pageHeaders(
  request: Pick<ApiRequest, 'origin' | 'path' | 'query'>,
  { page, size, total, isCapped = false, next }: Paged,
): Readonly<Record<string, string>> {
  const last = Math.max(1, Math.ceil(total / size))
  const following = isCapped ? next : page < last ? { page: page + 1 } : undefined
  const links = [
    linkTo(request, { page: 1 }, 'first'),
    ...(page > 1 ? [linkTo(request, { page: page - 1 }, 'prev')] : []),
    ...(following === undefined ? [] : [linkTo(request, following, 'next')]),
    ...(isCapped ? [] : [linkTo(request, { page: last }, 'last')]),
  ]
  return {
    'total-number': String(total),
    ...(isCapped ? { 'total-number-is-capped': 'true' } : {}),
    link: links.join(', '),
  }
}

/** The same request with other values of some parameters, as an item of a `Link` header (RFC 8288). */
export function linkTo(
  { origin, path, query }: Pick<ApiRequest, 'origin' | 'path' | 'query'>,
  changed: Readonly<Record<string, number>>,
  relation: string,
): string {
  const parameters = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changed)) parameters.set(name, String(value))
  return `<${origin}${path}?${parameters.toString()}>; rel="${relation}"`
}
