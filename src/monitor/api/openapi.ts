/** The OpenAPI document of the API, made of its routes. */
import { version } from '../../version.ts'
import type { Route } from './route.ts'
import { reference, schemas } from './schemas.ts'

const json = 'application/json'

export function openApiOf(routes: readonly Route[]): unknown {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'hooktide monitor',
      version,
      description:
        "What hooktide's topics say of hooks, events and deliveries. Paths and fields of hooks and of their logs are those of Logto's Management API.",
    },
    security: [{}, { token: [] }],
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas },
  }
}

function operationOf({ method, path, summary, query = {}, body, answers, isAction }: Route) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query).map(([name, { description, schema }]) => ({
    name,
    in: 'query',
    description,
    schema,
  }))
  return {
    summary,
    operationId: `${method.toLowerCase()}${path.replace(/^\/api/, '').replaceAll(/\W+(\w?)/g, (_, first: string) => first.toUpperCase())}`,
    ...(isAction
      ? { description: 'Refused with 403 unless the monitor was started with --actions.' }
      : {}),
    parameters: [...inPath, ...inQuery],
    ...(body === undefined ? {} : { requestBody: { content: { [json]: { schema: body } } } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [
          status,
          {
            description: Number(status) < 300 ? 'Done.' : 'Not done.',
            ...(schema === undefined ? {} : { content: { [json]: { schema } } }),
          },
        ]),
      ),
      default: {
        description: 'Not done; the message says why.',
        content: { [json]: { schema: reference('Error') } },
      },
    },
  }
}
