/**
 * Writes `src/core/model/records.ts` from `schemas/`: run `node test/support/generate-types.ts` after changing a schema. A test
 * compares the file with what this makes, so that the two cannot drift apart.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { compile, type JSONSchema } from 'json-schema-to-typescript'

const schemas = new URL('../../schemas/', import.meta.url)
export const generatedFile = new URL('../../src/core/model/records.ts', import.meta.url)

const banner =
  '/** What records hold as JSON or Avro. Made from schemas/ by test/support/generate-types.ts: change it there. */'

interface AvroField {
  readonly name: string
  readonly type: AvroType | readonly AvroType[]
  readonly doc: string
}

type AvroType = string | { readonly type: 'array'; readonly items: AvroRecord }

interface AvroRecord {
  readonly name: string
  readonly doc: string
  readonly fields: readonly AvroField[]
}

/** The whole text of `src/core/model/records.ts`. */
export async function generateTypes(): Promise<string> {
  const parts = [
    banner,
    avroInterface((await readSchema('delivery-result.avsc')) as AvroRecord),
    await jsonSchemaTypes('hook.schema.json', 'HookRecord'),
    await jsonSchemaTypes('endpoint-health.schema.json', 'EndpointRecord'),
    await jsonSchemaTypes('notice.schema.json', 'NoticePayload'),
    await jsonSchemaTypes('auth-event.schema.json', 'AuthEventPayload'),
  ]
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`
}

async function readSchema(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(name, schemas), 'utf8'))
}

async function jsonSchemaTypes(file: string, name: string): Promise<string> {
  const schema = (await readSchema(file)) as JSONSchema
  const compiled = await compile(forTypes(schema), name, {
    bannerComment: '',
    ignoreMinAndMaxItems: true,
    style: { semi: false, singleQuote: true, printWidth: 100 },
  })
  return compiled
    .replaceAll(/^( +)(?=[\w'[][^*|]*:)/gm, '$1readonly ')
    .replaceAll(/: (?=\w+\[\])/g, ': readonly ')
    .replaceAll(/^}\n(?=\/\*\*)/gm, '}\n\n')
}

/** The schema without its own names, because those of the caller are better. */
function forTypes({ $id: _id, title: _title, ...schema }: JSONSchema): JSONSchema {
  return { ...schema, ...opened(schema) }
}

/** Members that may have values which the schema does not name read as `string` or `unknown`, not as a closed union. */
function opened({ properties }: JSONSchema): Pick<JSONSchema, 'properties'> {
  if (properties === undefined) return {}
  const entries = Object.entries(properties).map(([name, member]) => [name, openMember(member)])
  return { properties: Object.fromEntries(entries) as Record<string, JSONSchema> }
}

function openMember(member: JSONSchema): JSONSchema {
  if (member.type === 'string') return { ...member, tsType: 'string' }
  if ('not' in member) return { ...member, tsType: 'never' }
  const isTyped = ['type', 'anyOf', '$ref'].some((keyword) => keyword in member)
  return isTyped ? { ...member, ...opened(member) } : { ...member, tsType: 'unknown' }
}

const typeOfAvro: Readonly<Record<string, string>> = {
  null: 'null',
  string: 'string',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  double: 'number',
}

/** The type of a record, after the types of the records in its lists. */
function avroInterface({ name, doc, fields }: AvroRecord): string {
  const inner = fields
    .flatMap(({ type }) => type)
    .flatMap((type) => (typeof type === 'string' ? [] : [`${avroInterface(type.items)}\n\n`]))
  const members = fields.flatMap((field) => [
    `  /** ${field.doc} */`,
    `  readonly ${field.name}: ${tsTypeOf(field)}`,
  ])
  const own = [`/** ${doc} */`, `export interface ${name} {`, ...members, '}'].join('\n')
  return inner.join('') + own
}

function tsTypeOf({ name, type }: AvroField): string {
  const branches = [type].flat().toSorted((one) => (one === 'null' ? 1 : -1))
  const types = branches.map((branch) =>
    typeof branch === 'string' ? typeOfAvro[branch] : `readonly ${branch.items.name}[]`,
  )
  if (types.includes(undefined)) throw new Error(`No TypeScript type for Avro field ${name}`)
  return types.join(' | ')
}

if (import.meta.main) await writeFile(generatedFile, await generateTypes())
