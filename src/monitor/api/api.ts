/** All routes of the API. */
import { deliveryRoutes, eventRoutes } from './delivery-routes.ts'
import { explainRoutes } from './explain-routes.ts'
import { hookActions, hookOperations } from './hook-actions.ts'
import { hookLogRoutes, hookRoutes } from './hook-routes.ts'
import { letterRoutes, replayRoutes } from './letter-routes.ts'
import { openApiOf } from './openapi.ts'
import { overviewRoutes } from './overview-routes.ts'
import type { ApiParts } from './parts.ts'
import type { Route } from './route.ts'

export function routesOf(parts: ApiParts): readonly Route[] {
  const routes = [
    ...overviewRoutes(parts),
    ...hookRoutes(parts),
    ...hookLogRoutes(parts),
    ...hookActions(parts),
    ...hookOperations(parts),
    ...deliveryRoutes(parts),
    ...eventRoutes(parts),
    ...explainRoutes(parts),
    ...letterRoutes(parts),
    ...replayRoutes(parts),
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
