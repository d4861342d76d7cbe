import { describe, expect, it } from 'vitest'
import { sourceKeyOf, userIdOf } from '../../../src/core/event/search-fields.ts'
import { samples } from '../../support/record-builders.ts'

const membership = { organizationId: 'o', params: { id: 'o' } }

describe('whom results are searched by', () => {
  it.each<[string, Readonly<Record<string, unknown>>, string | undefined]>([
    ['the user of the event', { userId: 'u', params: { userId: 'v' } }, 'u'],
    ['the one user who joined', { ...membership, addedUserIds: ['u'] }, 'u'],
    ['the one user who left', { ...membership, removedUserIds: ['u'] }, 'u'],
    ['the user of the path', { ...membership, params: { userId: 'u' } }, 'u'],
    ['the organization, where two joined', { ...membership, addedUserIds: ['u', 'v'] }, 'o'],
    [
      'the organization, where one joined and one left',
      { ...membership, addedUserIds: ['u'], removedUserIds: ['v'] },
      'o',
    ],
    ['the organization, where nobody is named', membership, 'o'],
    ['the organization, where a list is none', { ...membership, addedUserIds: 'u' }, 'o'],
    [
      'the organization, where the id is longer than any',
      { ...membership, addedUserIds: ['u'.repeat(257)] },
      'o',
    ],
    ['nobody, where nobody is named', { event: 'Message.RateLimited' }, undefined],
  ])('is %s', (_, payload, id) => {
    expect(userIdOf(payload)).toBe(id)
  })

  it('is the user in every sample that has one', () => {
    const shown = samples.map(({ name, payload }) => [name, userIdOf(payload)])
    expect(Object.fromEntries(shown)).toEqual({
      'grant-limit-exceeded.json': 'k3v9tq2mzx7a',
      'identifier-lockout.json': undefined,
      'message-rate-limited.json': undefined,
      'organization-created.json': 'h8q2w6e0r4t9',
      'organization-membership-updated.json': 'h8q2w6e0r4t9',
      'post-register.json': 'k3v9tq2mzx7a',
      'post-sign-in-adaptive-mfa-triggered.json': 'n4j6c2y0ep8h',
      'post-sign-in.json': 'b8d1wq5rtn0s',
      'role-scopes-updated.json': 'e3k9s5d1f7g2h8j4l6z0x',
      'user-created.json': 'p7o2i4u6y8t1',
      'user-data-updated.json': 'k3v9tq2mzx7a',
      'user-deleted.json': 'p7o2i4u6y8t1',
    })
  })
})

describe('the key of an event’s record in results', () => {
  it.each<[string, Buffer | null, string | undefined]>([
    ['its text', Buffer.from('Zoë 7'), 'Zoë 7'],
    ['its text of 512 characters', Buffer.from('語'.repeat(512)), '語'.repeat(512)],
    ['nothing of a longer one', Buffer.from('x'.repeat(513)), undefined],
    ['nothing of a huge one', Buffer.alloc(1_000_000, 'x'), undefined],
    ['nothing of bytes that are no text', Buffer.from([0xff, 0x41]), undefined],
    ['nothing of a number in eight bytes', Buffer.from([0, 0, 0, 0, 0, 0, 0, 7]), undefined],
    ['nothing of an empty one', Buffer.alloc(0), undefined],
    ['nothing where there is none', null, undefined],
  ])('is %s', (_, key, text) => {
    expect(sourceKeyOf(key)).toBe(text)
  })
})
