/** Builders for tests of endpoints: the hook, a report about it, and rules. */
import type { HealthRules, HookFacts } from '../../src/core/health/health.ts'
import { endpointOf, type Health } from '../../src/core/health/record.ts'

export const rules: HealthRules = { instance: 'one', disableAfterMs: 5 * 86_400_000 }

export const hook: HookFacts = {
  id: 'hook-1',
  tenantId: 'default',
  url: 'https://receiver.example/hook',
  configVersion: '0-7',
}

export function healthOf(fields: Partial<Health>): Health {
  return {
    hookId: hook.id,
    tenantId: hook.tenantId,
    state: 'healthy',
    since: 0,
    reason: 'recovered',
    until: null,
    failingSince: null,
    lastFailureAt: null,
    failures: 0,
    lastSuccessAt: null,
    enableEpoch: 0,
    endpoint: endpointOf(hook.url),
    configVersion: hook.configVersion,
    instance: 'other',
    at: 0,
    ...fields,
  }
}
