/** A record of the hook topic costs no more than its bytes, whatever it contains. */
import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { decryptWith } from '../../../src/core/hook/encrypted-text.ts'
import { readHookFields } from '../../../src/core/hook/fields.ts'
import { HookProblems } from '../../../src/core/hook/problems.ts'
import { withEncryptedSecrets } from '../../../src/core/hook/secrets.ts'
import { HookTable } from '../../../src/core/hook/table.ts'
import { checkHookInput, decodeHook, type DecodedHook } from '../../../src/core/hook/hook.ts'
import { filterFault } from '../../../src/edge/filter/cel.ts'
import { encryptionKeyOf } from '../../support/encryption-keys.ts'
import { recordOf } from '../../support/record-builders.ts'

const url = 'https://x.example/'
const good = { id: 'a', events: ['PostSignIn'], config: { url }, signingKey: 'k' }

function decode(value: Readonly<Record<string, unknown>>, id = 'a'): DecodedHook {
  return decodeHook(
    recordOf({ key: Buffer.from(id), value: Buffer.from(JSON.stringify(value)) }),
    filterFault,
  )
}

function problemsOf(value: Readonly<Record<string, unknown>>): readonly string[] {
  const decoded = decode(value)
  const found = decoded.kind === 'suspended' ? decoded.hook.problems : []
  expect(checkHookInput(value, filterFault)).toEqual(found)
  return found.map(({ field, message }) => `${field} ${message}`.trim())
}

const headersOf = (count: number, value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`h-${index}`, value]))
const keysOf = (count: number, tail = '') => Array.from({ length: count }, (_, n) => `E${n}${tail}`)
const withHeaders = (headers: unknown) => ({ ...good, config: { url, headers } })

describe('a hook within its bounds', () => {
  it.each([
    ['a name of 256 characters', { name: '\u{1f600}'.repeat(256) }],
    ['a URL of 4,096 characters', { config: { url: url.padEnd(4_096, 'p') } }],
    ['256 event keys', { events: keysOf(256) }],
    ['64 headers', withHeaders(headersOf(64))],
    ['8,192 bytes of headers', withHeaders({ a: 'x'.repeat(8_190), b: '' })],
    ['a signing key of 256 characters', { signingKey: 'k'.repeat(256) }],
  ])('may have %s', (_, fields) => {
    expect(problemsOf({ ...good, ...fields })).toEqual([])
  })

  it.each([
    [{ name: 'n'.repeat(257) }, 'name must be text of at most 256 characters'],
    [
      { config: { url: url.padEnd(4_097, 'p') } },
      'config.url must be text of at most 4096 characters',
    ],
    [{ events: keysOf(257) }, 'events has more than 256 event keys'],
    [withHeaders(headersOf(65)), 'config.headers has more than 64 headers'],
    [
      withHeaders({ a: 'x'.repeat(8_190), bb: '' }),
      'config.headers has more than 8192 bytes of names and values',
    ],
    [{ signingKey: 'k'.repeat(257) }, 'signingKey must be text of at most 256 characters'],
    [
      { delivery: { filter: `true ${' '.repeat(4_096)}` } },
      'delivery.filter is longer than 4096 characters',
    ],
  ])('has one problem beyond one of them', (fields, problem) => {
    expect(problemsOf({ ...good, ...fields })).toEqual([problem])
  })
})

describe('a hook with encrypted secrets', () => {
  it('has the same bounds for the decrypted secrets', () => {
    const key = encryptionKeyOf(1)
    const problems = (headers: Readonly<Record<string, string>>) => {
      const hook = { ...good, signingKey: '\u{1f600}'.repeat(256), config: { url, headers } }
      const encrypted = withEncryptedSecrets(hook, key, () => randomBytes(12))
      return checkHookInput(encrypted, filterFault, decryptWith([key])).map(
        ({ message }) => message,
      )
    }
    expect(problems({ a: 'é'.repeat(8_191) })).toEqual([])
    expect(problems({ a: 'é'.repeat(8_192) })).toEqual([
      'has more than 8192 bytes of names and values',
    ])
    expect(problems({ a: 'é'.repeat(9_000) })).toEqual([
      'begins with hooktide-enc: and is no text that hooktide has encrypted',
    ])
    expect(problems({ a: '€' })).toEqual(['must be text that a header can have'])
  })
})

describe('a record with many faults', () => {
  it.each([
    ['event keys that are none', { events: Array(480_000).fill(0) }],
    ['headers of four bytes', withHeaders({ ...headersOf(88_000, '\n') })],
    ['unknown options', { delivery: headersOf(80_000) }],
    [
      'previous keys that are none',
      { delivery: { previousSigningKeys: Array(100_000).fill({ a: 1, b: 1, c: 1 }) } },
    ],
  ])('reports at most 20 of them, and the number of others: %s', (_, fields) => {
    const problems = problemsOf({ ...good, ...fields })
    expect(problems).toHaveLength(20)
    expect(problems.at(-1)).toMatch(/^and \d+ problems more$/)
    expect(new Set(problems).size).toBe(20)
  })

  it('counts the faults that it does not report', () => {
    const delivery = headersOf(25)
    expect(problemsOf({ ...good, delivery }).at(-1)).toBe('and 6 problems more')
    expect(problemsOf({ ...good, delivery: headersOf(20) }).at(-1)).toBe(
      'delivery.h-19 is not known here',
    )
  })

  it('makes no text for faults that it does not report, and reads no further than the bounds', () => {
    let paths = 0
    class Counting extends HookProblems {
      override report(pathOf: () => string, message: string): void {
        super.report(() => {
          paths += 1
          return pathOf()
        }, message)
      }
    }
    const problems = new Counting()
    const many = {
      ...good,
      events: Array(480_000).fill(0),
      config: { url, headers: headersOf(88_000, '\n') },
      delivery: { ...headersOf(10_000), previousSigningKeys: Array(100_000).fill(0) },
    }
    const reading = { checkFilter: filterFault, decrypt: decryptWith([]) }
    readHookFields(many, reading, problems)
    expect(paths).toBe(20)
    // The numbers of problems: 1 and 256 of events, 1 and 64 of headers, 10,000 of unknown options, 1 and 10 of previous keys.
    expect(problems.count).toBe(1 + 256 + 1 + 64 + 10_000 + 1 + 10)
  })

  it('reports the positions of long names', () => {
    const name = `${'n'.repeat(1_000_000)} `
    const [problem] = problemsOf(withHeaders({ [name]: 'v' }))
    expect(problem).toBe('config.headers[0] is not a header name')
  })

  it('fits into a log line of 16 KiB, whatever its names hold', () => {
    const names = Array.from({ length: 60 }, (_, n) => `${n}${'\u0001'.repeat(200)}`)
    const delivery = { ...Object.fromEntries(names.map((name) => [name, 1])), filter: '\u0001(' }
    const decoded = decode({ ...good, delivery })
    if (decoded.kind !== 'suspended') throw new Error(decoded.kind)
    expect(Buffer.byteLength(JSON.stringify(decoded.hook.problems))).toBeLessThan(16_000)
  })
})

describe('a suspended hook', () => {
  const tenantId = '\u{4e00}'.repeat(120)
  const big = 'x'.repeat(10_000)
  const hostile: readonly (readonly [string, (n: number) => Readonly<Record<string, unknown>>])[] =
    [
      [
        'as many long event keys as it may have',
        (n) => ({ events: keysOf(256, 'y'.repeat(120)), tenantId: `${tenantId}${n}` }),
      ],
      [
        'more event keys than it may have, in one tenant',
        () => ({ events: keysOf(600), tenantId }),
      ],
      [
        'two of a tenant for the same events',
        (n) => ({ events: keysOf(256), tenantId: `${tenantId}${n >> 1}` }),
      ],
      [
        'long texts everywhere',
        () => ({ name: big, signingKey: big, config: { url: big, headers: { [big]: big } } }),
      ],
      [
        'many problems',
        () => ({ delivery: headersOf(400), events: Array(400).fill(big.slice(0, 20)) }),
      ],
    ]

  it.each(hostile)('takes less than 4 KiB of memory with %s', (_, fields) => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const table = new HookTable()
    const count = 300
    const fill = (from: number) => {
      for (let n = from; n < from + count; n += 1) {
        const id = `${'\u{4e00}'.repeat(100)}-${n}`
        const decoded = decode({ ...good, id, enabled: true, name: 1, ...fields(n) }, id)
        if (decoded.kind !== 'suspended') throw new Error(decoded.kind)
        table.set(decoded)
      }
      collect()
      return process.memoryUsage().heapUsed
    }
    // The first ones create what is created only once.
    const before = fill(0)
    const bytes = (fill(count) - before) / count
    expect(table.suspendedCount).toBe(2 * count)
    expect(bytes).toBeLessThan(4_096)
  })

  it('still matches each of its events, up to the bound', () => {
    const table = new HookTable()
    const decoded = decode({ ...good, events: [...keysOf(255), 'PostSignIn', 'User.Created'] })
    if (decoded.kind !== 'suspended') throw new Error(decoded.kind)
    table.set(decoded)
    const idsFor = (event: string) =>
      table.matching({ tenantId: 'default', event }).map(({ hook }) => hook.id)
    for (const event of ['E0', 'E254', 'PostSignIn']) expect(idsFor(event)).toEqual(['a'])
    for (const event of ['E255', 'User.Created']) expect(idsFor(event)).toEqual([])
  })
})
