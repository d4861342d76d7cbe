/** Reads the query of a request. What is wrong is said by the name of the parameter. */
import { parseMoment } from '../../commands/option-values.ts'
import type { EpochMs } from '../../core/model/model.ts'
import { ApiError, type Parameter } from './route.ts'

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
  const moment = /^\d{10,15}$/.test(text) ? Number(text) : parseMoment(text, now)
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

/** As Logto numbers pages. */
export function pageIn(query: Query): { readonly page: number; readonly size: number } {
  return {
    page: integerIn(query, 'page', [1, 100_000]) ?? 1,
    size: integerIn(query, 'page_size', [1, 100]) ?? 20,
  }
}

/** Headers that say how many items there are and where the others are, as Logto's. */
export function pageHeaders(
  path: string,
  query: Query,
  { page, size, total }: { readonly page: number; readonly size: number; readonly total: number },
): Readonly<Record<string, string>> {
  const last = Math.max(1, Math.ceil(total / size))
  const link = (to: number, rel: string) => {
    const parameters = new URLSearchParams(query)
    parameters.set('page', String(to))
    parameters.set('page_size', String(size))
    return `<${path}?${parameters.toString()}>; rel="${rel}"`
  }
  const links = [
    link(1, 'first'),
    ...(page > 1 ? [link(page - 1, 'prev')] : []),
    ...(page < last ? [link(page + 1, 'next')] : []),
    link(last, 'last'),
  ]
  return { 'total-number': String(total), link: links.join(', ') }
}
