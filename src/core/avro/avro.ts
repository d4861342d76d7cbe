/**
 * The door of this room: from an Avro schema to a function that renders its values as JSON text, directly from their
 * bytes (README.md).
 *
 * | Avro | JSON |
 * |---|---|
 * | null, boolean, string | the same |
 * | int, long | a number with all of its digits, also beyond 2^53 |
 * | float, double | a number; NaN and the infinities are a fault, because JSON has no numbers for them |
 * | bytes, fixed | text, base64 |
 * | enum | text |
 * | array | array |
 * | record, map | object; a record has all of its fields, in the order of the schema, also those that are null |
 * | union | the value, without the name of its branch |
 * | timestamp-*, date, time-*, local-timestamp-* | RFC 3339 text; the number if the year is not in 0000 to 9999 |
 * | decimal | a number with all of its digits |
 * | uuid | text |
 * | string with the logical type `json` | that JSON |
 *
 * A library would build objects on the way, lose the digits of large numbers or the branch of a union, compile code from
 * schemas that come over the network, and believe a block that counts a billion nulls.
 */
import { AvroCursor, AvroFault, type AvroReason } from './cursor.ts'
import { floatText, isFixedSize, logicalRender, numberText, type Render } from './logical.ts'
import { isJsonObject, isTooDeep, maxJsonDepth, type JsonObject } from '../text/json.ts'

export type Rendered =
  | { readonly kind: 'text'; readonly text: string }
  /** `field` is the dotted path of the field; `message` is a sentence for people. */
  | {
      readonly kind: 'fault'
      readonly reason: AvroReason
      readonly field: string
      readonly message: string
    }

/** Renders a whole payload. Bytes after the value are a fault. */
export type AvroRenderer = (payload: Buffer) => Rendered

export type CompiledAvro =
  | { readonly kind: 'avro'; readonly render: AvroRenderer }
  /** The texts are not a schema. `message` is for people: a clause such as "it is not JSON". */
  | { readonly kind: 'unusable'; readonly message: string }

/** Levels of schemas within each other. A reference by name begins no level. */
const maxNesting = 100
const nestedTooDeep = `it is nested more than ${maxNesting} levels deep`
/** A record within a record is three levels of JSON: the schema, the list of its fields and the field. */
const maxSchemaDepth = 3 * maxNesting + maxJsonDepth
/** One byte of text becomes at most six characters of JSON, and a string has fewer than 512 Mi characters. */
const maxPayloadBytes = 64 * 1024 * 1024
/** Characters that are counted for each item: no shorter than the longest text that one byte of Avro becomes. */
const itemCost = 32

/**
 * Never throws.
 *
 * @param texts first the schemas that the schema refers to, each after those that it refers to itself; last the schema
 */
export function compileAvro(texts: readonly string[]): CompiledAvro {
  const compiler = new Compiler()
  try {
    let render: Render = unknownType
    for (const text of texts) render = compiler.compile(parse(text), '')
    return { kind: 'avro', render: rendererOf(render) }
  } catch (error) {
    if (error instanceof SchemaFault) return { kind: 'unusable', message: error.message }
    throw error
  }
}

function parse(text: string): unknown {
  if (isTooDeep(text, maxSchemaDepth)) {
    throw new SchemaFault(nestedTooDeep)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new SchemaFault('it is not JSON')
  }
}

function rendererOf(render: Render): AvroRenderer {
  return (payload) => {
    const cursor = new AvroCursor(payload)
    try {
      if (payload.length > maxPayloadBytes) {
        throw new AvroFault(`is larger than ${maxPayloadBytes / 1024 / 1024} MiB`)
      }
      const text = render(cursor)
      if (!cursor.isAtEnd) throw new AvroFault('goes on after its end')
      return { kind: 'text', text }
    } catch (error) {
      if (!(error instanceof AvroFault)) throw error
      const path = error.path.toReversed().map(shortName).join('.')
      const field = path.slice(0, maxField)
      const what = field === '' ? 'The value' : `"${shortName(path)}"`
      const message = `${what} ${error.message}, by its Avro schema.`
      return { kind: 'fault', reason: error.reason, field, message }
    }
  }
}

class SchemaFault extends Error {}

/** Most characters of a name or a path in a message: names in a schema may be very long. */
const maxShownName = 100
/** Most characters of the path of a field. */
const maxField = 256

function shortName(name: string): string {
  return name.length <= maxShownName ? name : `${name.slice(0, maxShownName - 1)}…`
}

const primitives: Readonly<Record<string, Render>> = {
  null: () => 'null',
  boolean: (cursor) => {
    const byte = cursor.byte()
    if (byte > 1) throw new AvroFault('has a boolean that is neither true nor false')
    return byte === 1 ? 'true' : 'false'
  },
  int: (cursor) => String(cursor.int()),
  long: (cursor) => String(cursor.long()),
  float: (cursor) => floatText(cursor.float()),
  double: (cursor) => numberText(cursor.double()),
  bytes: (cursor) => `"${cursor.bytes().toString('base64')}"`,
  string: (cursor) => JSON.stringify(cursor.text()),
}

class Compiler {
  /** Records, enums and fixed types by full name. */
  readonly #named = new Map<string, Render>()
  readonly #unions = new Set<Render>()
  #nesting = 0

  /** @param namespace that of the definition around the schema; empty if it has none */
  compile(schema: unknown, namespace: string): Render {
    this.#nesting += 1
    if (this.#nesting > maxNesting) {
      throw new SchemaFault(nestedTooDeep)
    }
    const render = this.#compileOne(schema, namespace)
    this.#nesting -= 1
    return render
  }

  #compileOne(schema: unknown, namespace: string): Render {
    if (typeof schema === 'string') return this.#reference(schema, namespace)
    if (Array.isArray(schema)) return this.#union(schema, namespace)
    if (!isJsonObject(schema)) throw new SchemaFault('it has a part that is not a schema')
    const { type } = schema
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace)
      case 'enum':
      case 'fixed':
        return this.#leaf(schema, namespace)
      case 'array':
        return blocksRender('[', ']', this.compile(schema['items'], namespace))
      case 'map':
        return mapRender(this.compile(schema['values'], namespace))
      default:
        return logicalRender(schema) ?? this.compile(type, namespace)
    }
  }

  /** A name without a dot is looked up in the namespace around it first, then in none. */
  #reference(name: string, namespace: string): Render {
    if (Object.hasOwn(primitives, name)) return primitives[name] ?? unknownType(name)
    return (
      this.#named.get(fullNameOf(name, namespace)) ?? this.#named.get(name) ?? unknownType(name)
    )
  }

  /** Avro forbids a union within a union. Here it matters because the depth of unions is not counted. */
  #union(schema: readonly unknown[], namespace: string): Render {
    const branches = schema.map((branch) => this.compile(branch, namespace))
    if (branches.some((branch) => this.#unions.has(branch))) {
      throw new SchemaFault('it has a union within a union')
    }
    const render = unionRender(branches)
    this.#unions.add(render)
    return render
  }

  #record(schema: JsonObject, around: string): Render {
    const name = nameOf(schema, around)
    const { fields } = schema
    if (!Array.isArray(fields)) throw new SchemaFault(`record ${shortName(name)} has no fields`)
    let render: Render = unknownType
    // A record may contain itself.
    this.#define(name, (cursor) => render(cursor))
    const namespace = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    render = recordRender(
      fields.map((field: unknown) => {
        if (!isJsonObject(field) || typeof field['name'] !== 'string') {
          throw new SchemaFault(`record ${shortName(name)} has a field without a name`)
        }
        return { name: field['name'], render: this.compile(field['type'], namespace) }
      }),
    )
    this.#named.set(name, render)
    return render
  }

  #leaf(schema: JsonObject, namespace: string): Render {
    const name = nameOf(schema, namespace)
    const render = schema['type'] === 'enum' ? enumRender(name, schema) : fixedRender(name, schema)
    return this.#define(name, render)
  }

  #define(name: string, render: Render): Render {
    if (this.#named.has(name)) throw new SchemaFault(`it defines ${shortName(name)} twice`)
    this.#named.set(name, render)
    return render
  }
}

function nameOf({ name, namespace }: JsonObject, around: string): string {
  if (typeof name !== 'string' || name === '') throw new SchemaFault('it has a type without a name')
  return fullNameOf(name, typeof namespace === 'string' ? namespace : around)
}

function fullNameOf(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

function unknownType(name: unknown): never {
  throw new SchemaFault(`it has the unknown type ${shortName(String(name))}`)
}

interface Field {
  readonly name: string
  readonly render: Render
}

function recordRender(fields: readonly Field[]): Render {
  const members = fields.map(({ name, render }, index) => ({
    name,
    render,
    before: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
  }))
  const cost = members.reduce((sum, { before }) => sum + before.length + itemCost, 2)
  return (cursor) => {
    cursor.enter(cost)
    let text = ''
    for (const { name, before, render } of members) {
      text += before
      try {
        text += render(cursor)
      } catch (error) {
        if (error instanceof AvroFault) error.path.push(name)
        throw error
      }
    }
    cursor.leave()
    return text === '' ? '{}' : `${text}}`
  }
}

function unionRender(branches: readonly Render[]): Render {
  return (cursor) => {
    const index = cursor.int()
    const render = branches[index]
    if (render === undefined) throw new AvroFault(`has no branch ${index} of its union`)
    return render(cursor)
  }
}

/** The encoding of an array or a map is a series of blocks, each with its number of items. */
function blocksRender(opening: '[' | '{', closing: ']' | '}', item: Render): Render {
  return (cursor) => {
    cursor.enter(itemCost)
    let text: string = opening
    for (let count = cursor.blockCount(); count !== 0; count = cursor.blockCount()) {
      for (; count > 0; count -= 1) {
        cursor.spend(itemCost)
        if (text !== opening) text += ','
        text += item(cursor)
      }
    }
    cursor.leave()
    return text + closing
  }
}

function mapRender(value: Render): Render {
  return blocksRender('{', '}', (cursor) => `${JSON.stringify(cursor.text())}:${value(cursor)}`)
}

function enumRender(name: string, { symbols }: JsonObject): Render {
  if (!Array.isArray(symbols)) throw new SchemaFault(`enum ${shortName(name)} has no symbols`)
  const texts = symbols.map((symbol: unknown) => {
    if (typeof symbol !== 'string')
      throw new SchemaFault(`enum ${shortName(name)} has a symbol that is not a string`)
    return JSON.stringify(symbol)
  })
  return (cursor) => {
    const index = cursor.int()
    const text = texts[index]
    if (text === undefined) throw new AvroFault(`has no symbol ${index} of its enum`)
    cursor.spend(text.length)
    return text
  }
}

function fixedRender(name: string, schema: JsonObject): Render {
  const { size } = schema
  if (!isFixedSize(size)) throw new SchemaFault(`fixed ${shortName(name)} has no size`)
  return logicalRender(schema) ?? ((cursor) => `"${cursor.take(size).toString('base64')}"`)
}
