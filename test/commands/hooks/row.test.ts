import { describe, expect, it } from 'vitest'
import { hookRow, summaryOf } from '../../../src/commands/hooks/row.ts'
import { decodeHook } from '../../../src/core/hook/hook.ts'
import type { FieldProblem } from '../../../src/core/model/model.ts'
import { endpointStateOf, renewed } from '../../../src/core/health/record.ts'
import type { EndpointState } from '../../../src/core/model/record-values.ts'
import { hookOf } from '../../support/model-builders.ts'
import { recordOf } from '../../support/record-builders.ts'

function shown(problems: readonly FieldProblem[], name = 'CRM'): readonly string[] {
  const record = recordOf({ key: Buffer.from('a'), value: Buffer.from('{}') })
  const entry = decodeHook(record, () => undefined)
  if (entry.kind !== 'suspended') throw new Error('an empty object is no hook')
  const hook = { ...entry.hook, problems }
  const key = Buffer.from('a')
  const stored = {
    id: 'a',
    written: {},
    members: { name },
    isCaptured: false,
    key,
    keys: [key],
    writtenAt: 0,
  }
  return hookRow(summaryOf({ ...stored, entry: { kind: 'suspended', hook } }, undefined))
}

const locked = (field: string): FieldProblem => ({
  field,
  message: 'is encrypted with key 0123456789ab, which HOOKTIDE_ENCRYPTION_KEYS does not have',
})

describe('a suspended hook in a list', () => {
  it('shows its problem, if it has one short problem', () => {
    expect(shown([{ field: 'config', message: 'is missing' }]).at(-1)).toBe('(config is missing)')
    expect(shown([locked('signingKey')]).at(-1)).toBe(
      '(signingKey is encrypted with key 0123456789ab, which HOOKTIDE_ENCRYPTION_KEYS does not have)',
    )
  })

  it('shows the first of several problems, and where to see the others', () => {
    const names = Array.from({ length: 19 }, (_, index) => `config.headers[${index}]`)
    expect(shown(['signingKey', ...names].map(locked)).at(-1)).toBe(
      '(signingKey is encrypted with key 0123456789ab, which HOOKTIDE_ENCRYPTION_KEYS does not have; hooks get shows more)',
    )
  })

  it('shows the id of the missing key even of the longest field, and cuts the rest', () => {
    const field = `config.headers.${'x'.repeat(40)}`
    const problem = shown([locked(field), locked(field)]).at(-1) ?? ''
    expect(problem).toContain('is encrypted with key 0123456789ab')
    expect(problem).toMatch(/…; hooks get shows more\)$/)
    expect(problem.length).toBeLessThanOrEqual(125)
  })

  it('shows a name up to its longest allowed length', () => {
    expect(shown([], '😀'.repeat(300_000))[2]).toBe(`${'😀'.repeat(39)}…`)
  })
})

describe('a hook in a list', () => {
  const hook = hookOf({ id: 'a', url: 'https://a.example/', configVersion: '0-5' })
  const key = Buffer.from('a')
  const stored = {
    id: 'a',
    written: {},
    members: {},
    isCaptured: false,
    key,
    keys: [key],
    writtenAt: 0,
  }
  const row = (endpoint: EndpointState | undefined, enabled = true) =>
    hookRow(
      summaryOf({ ...stored, entry: { kind: 'active', hook: { ...hook, enabled } } }, endpoint),
    )

  it('has the state of its endpoint before its URL, where that is known', () => {
    expect(row('open').slice(-3)).toEqual(['active', 'open', 'https://a.example/'])
    expect(row(undefined).slice(-3)).toEqual(['active', '-', 'https://a.example/'])
  })

  it('is disabled, whatever its endpoint does, where its owner disabled it', () => {
    expect(row('healthy', false).slice(-3)).toEqual(['disabled', '-', 'https://a.example/'])
  })

  it('has a healthy endpoint when its URL is newer than what was said', () => {
    const health = { ...renewed(hook, undefined, { reason: 'operator', instance: 'i', at: 1 }) }
    const open = { ...health, state: 'open' as const }
    expect(endpointStateOf(hook, open)).toBe('open')
    expect(endpointStateOf(hook, undefined)).toBe('healthy')
    const moved = { ...hook, url: 'https://b.example/', configVersion: '0-6' }
    expect(endpointStateOf(moved, open)).toBe('healthy')
    expect(endpointStateOf({ ...moved, configVersion: '0-4' }, open)).toBe('open')
  })
})
