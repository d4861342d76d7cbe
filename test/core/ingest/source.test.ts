import { describe, expect, it } from 'vitest'
import { readSources } from '../../../src/core/ingest/source.ts'

const key = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const one = { path: '/logto', signingKeys: [key] }

function problemsOf(value: unknown): readonly string[] {
  const read = readSources(typeof value === 'string' ? value : JSON.stringify(value))
  if (read.kind === 'sources') return []
  return read.problems.map(({ field, message }) => `${field} ${message}`.trim())
}

describe('the file of sources', () => {
  it('gives a path, a tenant, a topic and keys for each source', () => {
    const file = '/run/secrets/globex'
    const read = readSources(
      JSON.stringify([
        one,
        { path: '/a/b', tenantId: 'globex', topic: 'other.events', signingKeysFile: file },
      ]),
    )
    expect(read).toEqual({
      kind: 'sources',
      entries: [
        {
          path: '/logto',
          tenantId: 'default',
          topic: undefined,
          signingKeys: [key],
          signingKeysFile: undefined,
        },
        {
          path: '/a/b',
          tenantId: 'globex',
          topic: 'other.events',
          signingKeys: [],
          signingKeysFile: file,
        },
      ],
    })
  })

  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /^is not JSON$/],
    ['no list', { ...one }, /^must be a list of 1 to 200 objects$/],
    ['an empty list', [], /^must be a list/],
    [
      'more than can be kept by hand',
      Array.from({ length: 201 }, (_, at) => ({ ...one, path: `/${at}` })),
      /^must be/,
    ],
    ['something else than objects', ['x'], /^\[0\] must be an object$/],
    ['no path', [{ signingKeys: [key] }], /^\[0\]\.path must be a path such as/],
    ['a path with a query', [{ ...one, path: '/a?b' }], /^\[0\]\.path must be/],
    ['a path of two', [one, { ...one }], /^\[1\]\.path is used twice/],
    ['a tenant that is none', [{ ...one, tenantId: '' }], /^\[0\]\.tenantId must be text/],
    ['a topic that is none', [{ ...one, topic: 'a b' }], /^\[0\]\.topic must be/],
    ['no keys', [{ path: '/a' }], /^\[0\]\.signingKeys is missing/],
    ['an empty list of keys', [{ ...one, signingKeys: [] }], /^\[0\]\.signingKeys must be a list/],
    ['a key that is no list', [{ ...one, signingKeys: key }], /^\[0\]\.signingKeys must be a list/],
    [
      'too many keys',
      [{ ...one, signingKeys: Array(11).fill(key) }],
      /^\[0\]\.signingKeys must be/,
    ],
    [
      'an empty key',
      [{ ...one, signingKeys: [key, ''] }],
      /^\[0\]\.signingKeys\[1\] has 0 characters/,
    ],
    [
      'a key that is short',
      [{ ...one, signingKeys: ['changeme'] }],
      /signingKeys\[0\] has 8 characters, fewer than 16/,
    ],
    ['a key of zero bytes', [{ ...one, signingKeys: ['\0'.repeat(32)] }], /has zero bytes alone/],
    ['a key that is no text', [{ ...one, signingKeys: [7] }], /signingKeys\[0\] must be text/],
    ['keys in both ways', [{ ...one, signingKeysFile: 'x' }], /remove one of them/],
    [
      'a member that is misspelt',
      [{ ...one, tenant: 'x' }],
      /^\[0\]\.tenant is not a known member. Known are path/,
    ],
  ])('is refused with %s', (_, value, words) => {
    const problems = problemsOf(value)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(words)
  })

  it('is reported without its keys, wherever they are', () => {
    const wrong = [
      { [key]: 1, path: key, tenantId: ' ', topic: `${key} `, signingKeys: [key.slice(0, 15)] },
      { path: '/b', signingKeys: key },
    ]
    const text = problemsOf(wrong).join('\n')
    expect(text).toContain('[0] has a member that is not known')
    expect(text).not.toContain(key.slice(0, 12))
  })
})
