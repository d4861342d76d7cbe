/** Events of Logto as a producer of `schemas/auth-event.avsc` writes them. */
import { readFileSync } from 'node:fs'
import avro from 'avsc'

export const authEventAvro = readFileSync(
  new URL('../../schemas/auth-event.avsc', import.meta.url),
  'utf8',
)
const type = avro.Type.forSchema(JSON.parse(authEventAvro) as avro.Schema)

/** @param event Logto's payload without `hookId` */
export function encodeAuthEvent(event: Readonly<Record<string, unknown>>): Buffer {
  return type.toBuffer({
    ...event,
    createdAt: Date.parse(String(event['createdAt'])),
    data: jsonText(event['data']),
    user: withJson(event['user'], ['customData', 'identities', 'profile']),
    adaptiveMfaResult: withRules(event['adaptiveMfaResult']),
  })
}

function withJson(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  const texts = Object.entries(value).map(([name, member]: [string, unknown]) => [
    name,
    names.includes(name) ? jsonText(member) : member,
  ])
  return Object.fromEntries(texts) as unknown
}

function withRules(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { triggeredRules, ...rest } = value as { readonly triggeredRules?: readonly unknown[] }
  return { ...rest, triggeredRules: triggeredRules?.map((rule) => withJson(rule, ['details'])) }
}

function jsonText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
