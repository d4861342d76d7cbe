import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import specification from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' }
import {
  deathHeaderNames,
  rejectionHeaderNames,
  runHeaderNames,
} from '../../src/core/model/header-names.ts'
import { triggers } from '../../src/core/model/model.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { version } from '../../src/version.ts'

const folder = new URL('../../schemas/', import.meta.url)

interface Schema {
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
}

interface Document {
  readonly info: { readonly version: string }
  readonly channels: Readonly<Record<string, { readonly address: string }>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const document = parse(readFileSync(new URL('asyncapi.yml', folder), 'utf8')) as Document

/** All values of `$ref` below a value. */
function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '$ref' ? [String(inner)] : referencesIn(inner),
  )
}

function pointedAt(path: string): unknown {
  return path
    .split('/')
    .reduce<unknown>(
      (value, name) => (value as Record<string, unknown> | undefined)?.[name],
      document,
    )
}

function headersOf(schema: string): readonly string[] {
  return Object.keys(document.components.schemas[schema]?.properties ?? {})
}

describe('the AsyncAPI document', () => {
  it('is one of version 3.0.0', () => {
    const ajv = new Ajv({ strict: false, allErrors: true })
    addFormats.default(ajv)
    const isDocument = ajv.compile(specification)
    expect(isDocument(document) ? [] : isDocument.errors).toEqual([])
  })

  it('refers to nothing that is absent', () => {
    const references = referencesIn(document)
    expect(references).toContain('delivery-result.avsc')
    for (const reference of references) {
      if (reference.startsWith('#/')) expect(pointedAt(reference.slice(2)), reference).toBeDefined()
      else expect(JSON.parse(readFileSync(new URL(reference, folder), 'utf8'))).toBeDefined()
    }
  })

  it('names the topics that settings have by default', () => {
    const { topics } = readSettings({})
    const addresses = Object.values(document.channels).map(({ address }) =>
      address.replace('{delay}', ''),
    )
    expect(new Set(addresses)).toEqual(new Set(Object.values(topics).flat()))
  })

  it('names the headers that records have, and the triggers', () => {
    expect(new Set(headersOf('runHeaders'))).toEqual(new Set(Object.values(runHeaderNames)))
    expect(new Set(headersOf('deathHeaders'))).toEqual(new Set(Object.values(deathHeaderNames)))
    expect(new Set(headersOf('rejectionHeaders'))).toEqual(
      new Set(Object.values(rejectionHeaderNames)),
    )
    const trigger = document.components.schemas['runHeaders']?.properties?.['hooktide-trigger']
    expect(trigger?.enum).toEqual(triggers)
  })

  it('has the version of the package', () => {
    expect(document.info.version).toBe(version)
  })
})
