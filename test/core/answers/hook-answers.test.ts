import { describe, expect, it } from 'vitest'
import { HookAnswers } from '../../../src/core/answers/hook-answers.ts'
import type { HookEntry } from '../../../src/core/hook/table.ts'
import type { Hook } from '../../../src/core/model/model.ts'
import { createFilters } from '../../../src/edge/filter/cel.ts'
import { eventOf, hookOf } from '../../support/model-builders.ts'

const active = (fields: Partial<Hook>): HookEntry => ({ kind: 'active', hook: hookOf(fields) })

const hooks: readonly HookEntry[] = [
  active({ id: 'plain' }),
  active({ id: 'german', filter: 'event.user.country == "DE"' }),
  active({ id: 'french', filter: 'event.user.country == "FR"' }),
  active({ id: 'blind', filter: 'event.nothing.here == 1' }),
  active({ id: 'off', enabled: false }),
  active({ id: 'old', events: [], event: 'PostSignIn' }),
  active({ id: 'other-key', events: ['User.Created'] }),
  active({ id: 'other-tenant', tenantId: 'acme' }),
  active({ id: 'other-both', tenantId: 'acme', events: ['User.Created'] }),
  {
    kind: 'suspended',
    hook: {
      ...{ id: 'broken', tenantId: 'default', event: undefined, events: ['PostSignIn'] },
      ...{ enabled: true, problems: [], configVersion: '0-1' },
    },
  },
]

const answersOf = (fields: Parameters<typeof eventOf>[0]) =>
  Object.fromEntries(new HookAnswers(hooks, createFilters()).of(eventOf(fields)))

describe('what hooks say of an event', () => {
  it('is why it is for them, and why not, by the rules that the processor goes by', () => {
    const body = Buffer.from('{"event":"PostSignIn","user":{"country":"DE"}}')
    expect(answersOf({ body })).toEqual({
      plain: { kind: 'matches' },
      german: { kind: 'matches' },
      french: { kind: 'filter-false' },
      blind: { kind: 'filter-fault', fault: 'missing-key' },
      off: { kind: 'disabled' },
      old: { kind: 'matches' },
      'other-key': { kind: 'not-subscribed' },
      'other-tenant': { kind: 'other-tenant', tenantId: 'acme' },
      broken: { kind: 'suspended' },
    })
  })

  it('is nothing of hooks that have neither its tenant nor its key', () => {
    expect(answersOf({ event: 'User.Deleted' })).not.toHaveProperty('other-tenant')
    expect(answersOf({ tenantId: 'nobody' })).toMatchObject({
      plain: { kind: 'other-tenant', tenantId: 'default' },
    })
  })
})
