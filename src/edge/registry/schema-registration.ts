/** Registers the schemas that this package brings. */
import { readFile } from 'node:fs/promises'
import { UserError } from '../../core/model/errors.ts'
import type { RegistryClient, SchemaType } from './client.ts'

const shippedSchemas = {
  result: { type: 'AVRO', file: 'delivery-result.avsc' },
  'event-avro': { type: 'AVRO', file: 'auth-event.avsc' },
  'event-json-schema': { type: 'JSON', file: 'auth-event.schema.json' },
} as const satisfies Readonly<Record<string, { readonly type: SchemaType; readonly file: string }>>

export type ShippedSchema = keyof typeof shippedSchemas

export type Registration =
  | { readonly kind: 'registered'; readonly id: number }
  /** A sentence that names the subject and what the registry said. */
  | { readonly kind: 'refused'; readonly message: string }

/**
 * Registers a schema under the subject, or finds that it is. Asks first whether it may stand beside the one there, so that
 * what is wrong is said before anything is written.
 *
 * @throws UserError when the registry cannot be asked
 */
export async function registerSchema(
  client: RegistryClient,
  subject: string,
  name: ShippedSchema,
): Promise<Registration> {
  const { type, file } = shippedSchemas[name]
  const text = await readFile(new URL(`../../../schemas/${file}`, import.meta.url), 'utf8')
  const schema = { type, text }
  const refused = (message: string, isIncompatible: boolean): Registration => {
    const why = isIncompatible ? ' as incompatible with the one there' : ''
    const sentence = `The registry at ${client.url} refuses ${file} under ${subject}${why}: ${message}`
    return { kind: 'refused', message: sentence }
  }
  const conflict = await client.conflict(subject, schema)
  if (conflict.kind === 'found' && conflict.value !== undefined)
    return refused(conflict.value, true)
  // A registry that does not say checks all the same when it registers.
  const answer = await client.register(subject, schema)
  switch (answer.kind) {
    case 'found':
      return { kind: 'registered', id: answer.value }
    case 'unavailable':
      throw new UserError(answer.message)
    case 'refused':
      return refused(answer.message, answer.isIncompatible)
    case 'missing':
      return refused(answer.message, false)
  }
}
