import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keysOf, Subscribers } from '../../../src/core/hook/subscribers.ts'
import type { Hook } from '../../../src/core/model/model.ts'
import { hookOf } from '../../support/model-builders.ts'

const ids = ['a', 'b', 'c']
const tenants = ['one', 'two']
const keys = ['PostSignIn', 'User.Created', 'User.Deleted']

const change = fc.record({
  id: fc.constantFrom(...ids),
  isDeleted: fc.boolean(),
  tenantId: fc.constantFrom(...tenants),
  events: fc.array(fc.constantFrom(...keys), { maxLength: 3 }),
  event: fc.option(fc.constantFrom(...keys), { nil: undefined }),
})

describe('the subscribers of events', () => {
  it('are the hooks whose newest form is for them, whatever forms there were before', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const subscribers = new Subscribers()
        const hooks = new Map<string, Hook>()
        for (const { isDeleted, ...fields } of changes) {
          const next = isDeleted ? undefined : hookOf(fields)
          subscribers.replace(hooks.get(fields.id), next)
          if (next === undefined) hooks.delete(fields.id)
          else hooks.set(fields.id, next)
          for (const tenantId of tenants) {
            for (const key of keys) {
              const wanted = [...hooks.values()].filter(
                (hook) => hook.tenantId === tenantId && keysOf(hook).includes(key),
              )
              const found = [...subscribers.of(tenantId, key)]
              expect(found.toSorted()).toEqual(wanted.map(({ id }) => id).toSorted())
            }
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
