import { expect, it } from 'vitest'
import { subjectIdOf } from '../../../src/core/event/subject-id.ts'
import { samples } from '../../support/record-builders.ts'

it.each<[string, Readonly<Record<string, unknown>>, string | undefined]>([
  ['its user', { userId: 'u' }, 'u'],
  ['the user that it has whole', { user: { id: 'u' } }, 'u'],
  ['the user that was changed', { params: { userId: 'u' }, data: { id: 'custom' } }, 'u'],
  ['the owner of a device', { data: { id: 'device', userId: 'u' } }, 'u'],
  [
    'the organisation that a user left',
    { organizationId: 'o', params: { id: 'o', userId: 'u' } },
    'o',
  ],
  ['what was created', { params: {}, data: { id: 'r' } }, 'r'],
  ['what was deleted', { params: { id: 'r' } }, 'r'],
  ['the role of a scope that was taken away', { params: { id: 'r', scopeId: 's' } }, 'r'],
  ['the scope of a resource', { params: { resourceId: 'x', scopeId: 's' } }, 's'],
  ['the role that has new scopes', { roleId: 'r', data: [{ id: 's' }] }, 'r'],
  ['the user who is locked out', { type: 'userId', value: 'u' }, 'u'],
  [
    'nobody, where a mail address is locked out',
    { type: 'email', value: 'a@b.example' },
    undefined,
  ],
  ['nothing, where nothing has an id', { recipient: 'a@b.example' }, undefined],
  ['nothing, where the id is no text', { userId: 7, user: [], params: null, data: 'x' }, undefined],
  ['nothing, where the id is empty', { userId: '' }, undefined],
  ['nothing, where the id is longer than any id', { userId: 'x'.repeat(257) }, undefined],
  [
    'nothing that is inherited',
    JSON.parse('{"__proto__":{"userId":"u"}}') as object as never,
    undefined,
  ],
])('the subject of an event is %s', (_, payload, id) => {
  expect(subjectIdOf(payload)).toBe(id)
})

it('every sample but those of throttled messages and locked addresses has a subject', () => {
  const without = samples.filter(({ payload }) => subjectIdOf(payload) === undefined)
  expect(without.map(({ name }) => name)).toEqual([
    'identifier-lockout.json',
    'message-rate-limited.json',
  ])
})
