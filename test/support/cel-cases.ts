/**
 * The conformance tests of the CEL specification (google/cel-spec, tests/simple/testdata), from a package that publishes
 * them as JSON, and the results of the reader and the evaluator of filters for each.
 */
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js'
import {
  Bytes,
  CelMap,
  evaluate,
  Failure,
  functionOf,
  isList,
  kindOf,
  Meter,
  TypeName,
  Uint,
  type Kind,
  type Value,
} from '../../src/core/filter/filter.ts'
import { readExpression } from '../../src/edge/filter/expression.ts'
import { listOf, mapOf, typeOf, type StaticType } from '../../src/edge/filter/types.ts'

export interface CelCase {
  readonly file: string
  readonly section: string
  readonly name: string
  readonly test: SimpleTest
}

/** `cel.expr.conformance.test.SimpleTest` in JSON. A case that expects nothing expects `true`. */
interface SimpleTest {
  readonly expr: string
  readonly value?: JsonValue
  readonly typedResult?: { readonly result?: JsonValue }
  readonly evalError?: object
  readonly bindings?: Readonly<Record<string, { readonly value: JsonValue }>>
  readonly typeEnv?: readonly Declaration[]
  /** The case expects the type that a checker deduces, and no value. */
  readonly checkOnly?: boolean
}

/** `cel.expr.Value` in JSON. */
type JsonValue =
  | { readonly nullValue: null }
  | { readonly boolValue: boolean }
  | { readonly int64Value: string }
  | { readonly uint64Value: string }
  | { readonly doubleValue: number | 'Infinity' | '-Infinity' | 'NaN' }
  | { readonly stringValue: string }
  | { readonly bytesValue: string }
  | { readonly typeValue: string }
  | { readonly listValue: { readonly values?: readonly JsonValue[] } }
  | { readonly mapValue: { readonly entries?: readonly Entry[] } }
  | { readonly objectValue: { readonly '@type': string; readonly value?: string } }
  | { readonly enumValue: object }

interface Entry {
  readonly key: JsonValue
  readonly value: JsonValue
}

/** `cel.expr.Decl` in JSON. */
interface Declaration {
  readonly name: string
  /** A variable; without it the declaration is of a function. */
  readonly ident?: { readonly type: JsonType }
}

type JsonType =
  | { readonly primitive: keyof typeof primitives }
  | { readonly null: null }
  | { readonly messageType: string }
  | { readonly listType: { readonly elemType: JsonType } }
  | { readonly mapType: { readonly keyType: JsonType; readonly valueType: JsonType } }

export function celCases(): readonly CelCase[] {
  return (tests.suites ?? []).flatMap(({ name: file, suites = [] }) =>
    suites.flatMap(({ name: section, tests: cases = [] }) =>
      cases.map(({ original }) => ({
        file,
        section,
        name: original.name ?? '',
        test: original as SimpleTest,
      })),
    ),
  )
}

export type CelOutcome =
  /** It needs a value, a declaration or a result that reader and evaluator cannot represent. */
  | { readonly kind: 'not-posed'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }
  /** The value as text in CEL, in which each type has a form of its own. */
  | { readonly kind: 'value'; readonly text: string }

/** Something in a case that reader and evaluator cannot represent. */
class NoForm extends Error {}

/** Reads and evaluates the case's expression. */
export function outcomeOf({ test }: CelCase): CelOutcome {
  try {
    if (test.checkOnly === true) throw new NoForm('a type alone')
    return evaluated(test)
  } catch (error) {
    if (error instanceof NoForm) return { kind: 'not-posed', why: error.message }
    throw error
  }
}

function evaluated({ expr, bindings = {}, typeEnv = [] }: SimpleTest): CelOutcome {
  const values = new Map<string, Value>()
  const types = new Map<string, StaticType>()
  for (const [name, { value }] of Object.entries(bindings)) {
    values.set(name, valueOf(value))
    types.set(name, typeOf('dyn'))
  }
  for (const { name, ident } of typeEnv) types.set(name, staticType(ident?.type))
  const withPoint = [...types.keys()].find((name) => name.includes('.'))
  if (withPoint !== undefined) throw new NoForm(`the variable ${withPoint}`)
  const read = readExpression(expr, types)
  if (typeof read === 'string') return { kind: 'refused', why: read }
  const value = evaluate(read.node, (name) => values.get(name) ?? null, new Meter(1_000_000))
  if (value instanceof Failure) return { kind: 'failed', why: value.fault }
  return { kind: 'value', text: celText(value) }
}

/** How the outcome differs from what the case expects; `undefined` if it does not. */
export function deviationOf(celCase: CelCase): string | undefined {
  const outcome = outcomeOf(celCase)
  const { expr, value, typedResult, evalError } = celCase.test
  const found = outcome.kind === 'value' ? outcome.text : `${outcome.kind}: ${outcome.why}`
  if (evalError !== undefined) {
    const isError = outcome.kind === 'failed' || outcome.kind === 'refused'
    return isError ? undefined : `${expr} is ${found}, not an error`
  }
  const expected = celText(valueOf(value ?? typedResult?.result ?? { boolValue: true }))
  return found === expected ? undefined : `${expr} is ${found}, not ${expected}`
}

function valueOf(json: JsonValue): Value {
  if ('nullValue' in json) return null
  if ('boolValue' in json) return json.boolValue
  if ('stringValue' in json) return json.stringValue
  if ('bytesValue' in json) return new Bytes(Buffer.from(json.bytesValue, 'base64'))
  // A name that is not one of our kinds equals none of them.
  if ('typeValue' in json) return new TypeName(json.typeValue as Kind)
  if ('listValue' in json) return (json.listValue.values ?? []).map(valueOf)
  if ('mapValue' in json) return mapOfEntries(json.mapValue.entries ?? [])
  if ('objectValue' in json) return durationOf(json.objectValue)
  return numberOf(json)
}

function numberOf(json: JsonValue): Value {
  if ('int64Value' in json) return BigInt(json.int64Value)
  if ('uint64Value' in json) return new Uint(BigInt(json.uint64Value))
  if ('doubleValue' in json) return Number(json.doubleValue)
  throw new NoForm('an enum')
}

function mapOfEntries(entries: readonly Entry[]): Value {
  const map = new CelMap()
  for (const { key, value } of entries) map.add(valueOf(key), valueOf(value))
  return map
}

/** Text that differs for any two different values. */
function celText(value: Value): string {
  if (isList(value)) return `[${value.map(celText).join(', ')}]`
  if (value instanceof CelMap) {
    const entries = value.keys.map((key) => `${celText(key)}: ${celText(value.get(key) ?? null)}`)
    return `{${entries.toSorted().join(', ')}}`
  }
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof TypeName) return value.name
  if (value instanceof Bytes) return `bytes(${value.bytes.toString('hex')})`
  if (Object.is(value, -0)) return 'double(-0)'
  return `${kindOf(value)}(${JSON.stringify(called('string', value))})`
}

function called(name: string, value: Value): Value {
  const result = functionOf(name)?.apply([value], new Meter(100))
  // There is no conversion of null.
  return result === undefined || result instanceof Failure ? null : result
}

const durationType = 'google.protobuf.Duration'

function durationOf({ '@type': type, value }: { '@type': string; value?: string }): Value {
  if (type.endsWith(`/${durationType}`)) return called('duration', value ?? '')
  throw new NoForm(type)
}

const primitives = {
  BOOL: 'bool',
  BYTES: 'bytes',
  DOUBLE: 'double',
  INT64: 'int',
  STRING: 'string',
  UINT64: 'uint',
} as const

function staticType(json: JsonType | undefined): StaticType {
  if (json === undefined) throw new NoForm('a function of its own')
  if ('primitive' in json) return typeOf(primitives[json.primitive])
  if ('null' in json) return typeOf('null_type')
  if ('listType' in json) return listOf(staticType(json.listType.elemType).kind)
  if ('mapType' in json) {
    const { keyType, valueType } = json.mapType
    return mapOf(staticType(keyType).kind, staticType(valueType).kind)
  }
  if (json.messageType === durationType) return typeOf(durationType)
  throw new NoForm(json.messageType)
}
