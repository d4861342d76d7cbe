/** All routes of the API. */
import { deliveryRoutes } from './delivery-routes.ts'
import { hookActions } from './hook-actions.ts'
import { hookRoutes } from './hook-routes.ts'
import { letterRoutes } from './letter-routes.ts'
import { openApiOf } from './openapi.ts'
import { overviewRoutes } from './overview-routes.ts'
import type { ApiParts } from './parts.ts'
import type { Route } from './route.ts'

export function routesOf(parts: ApiParts): readonly Route[] {
  const routes = [
    ...overviewRoutes(parts),
    ...hookRoutes(parts),
    ...hookActions(parts),
    ...deliveryRoutes(parts),
    ...letterRoutes(parts),
  ]
  const document: Route = {
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This document.',
    answers: { 200: { type: 'object' } },
    isAction: false,
    handle: () => ({ status: 200, body: openApiOf([...routes, document]) }),
  }
  return [...routes, document]
}
