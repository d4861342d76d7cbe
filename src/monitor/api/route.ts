/** What a route of the API is, and how a request finds its route. The same table makes the OpenAPI document. */
import type { JsonObject } from '../../core/text/json-text.ts'

/** A JSON schema. */
export type Schema = Readonly<Record<string, unknown>>

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface ApiRequest {
  readonly path: string
  /** By which it was called, such as `https://monitor.example`; empty where that is not known. */
  readonly origin: string
  /** Values of the path's `{names}`. */
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** `{}` where there is none. */
  readonly body: JsonObject
}

export interface ApiAnswer {
  readonly status: number
  /** `undefined`: no body. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Parameter {
  readonly description: string
  readonly schema: Schema
}

export interface Route {
  readonly method: Method
  /** With names in braces, such as `/api/hooks/{id}`. */
  readonly path: string
  readonly summary: string
  readonly query?: Readonly<Record<string, Parameter>>
  /** Of the request's body. */
  readonly body?: Schema
  /** By status; `undefined`: no body. Errors that any route may have are not named. */
  readonly answers: Readonly<Record<number, Schema | undefined>>
  /** Whether it changes something: refused unless the monitor was started with actions. */
  readonly isAction: boolean
  readonly handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>
}

/** What the caller did wrong, or what cannot be done. In the form of Logto's errors. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly data: unknown
  constructor(status: number, code: string, message: string, data?: unknown) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.data = data
  }
}

export type Found =
  | { readonly kind: 'route'; readonly route: Route; readonly parameters: Record<string, string> }
  | { readonly kind: 'wrong-method'; readonly allowed: readonly Method[] }
  | { readonly kind: 'none' }

export function findRoute(routes: readonly Route[], method: string, path: string): Found {
  const matching = routes.flatMap((route) => {
    const parameters = parametersOf(route.path, path)
    return parameters === undefined ? [] : [{ route, parameters }]
  })
  const found = matching.find(({ route }) => route.method === method)
  if (found !== undefined) return { kind: 'route', ...found }
  if (matching.length === 0) return { kind: 'none' }
  return { kind: 'wrong-method', allowed: matching.map(({ route }) => route.method) }
}

/** `undefined` where the path is another one. */
function parametersOf(pattern: string, path: string): Record<string, string> | undefined {
  const [names, values] = [pattern.split('/'), path.split('/')]
  if (names.length !== values.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const value = values[index] ?? ''
    if (!name.startsWith('{')) {
      if (name !== value) return undefined
      continue
    }
    const decoded = decodedText(value)
    if (decoded === undefined || decoded === '') return undefined
    parameters[name.slice(1, -1)] = decoded
  }
  return parameters
}

function decodedText(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
