/** Records and sample payloads, for tests of code that reads them. */
import { readdirSync, readFileSync } from 'node:fs'
import type { InboundRecord, KafkaHeaders } from '../../src/core/model/model.ts'

export function recordOf(fields: Partial<InboundRecord>): InboundRecord {
  return {
    topic: 'auth.events',
    partition: 3,
    offset: 41,
    key: null,
    value: null,
    headers: [],
    timestamp: 1_789_376_531_019,
    ...fields,
  }
}

export function headersOf(texts: Readonly<Record<string, string>>): KafkaHeaders {
  return Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)] as const)
}

/** The headers of a record as texts, by name; of none, nothing. */
export function headerTextsOf(
  record: Pick<InboundRecord, 'headers'> | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...(record?.headers ?? [])].map(([name, value]) => [name, String(value)]),
  )
}

export interface Sample {
  readonly name: string
  /** The payload as Logto sends it, parsed. */
  readonly payload: Readonly<Record<string, unknown>>
  readonly hookId: string
  /** The event as produced: the payload's own bytes without `hookId`, its last member. */
  readonly event: Buffer
}

const folder = new URL('../samples/', import.meta.url)

export const samples: readonly Sample[] = readdirSync(folder).map((name) => {
  const text = readFileSync(new URL(name, folder), 'utf8')
  const payload = JSON.parse(text) as Record<string, unknown>
  const event = Buffer.from(text.replace(/,\s*"hookId": "\w+"(?=\s*}\s*$)/, ''))
  return { name, payload, hookId: String(payload['hookId']), event }
})
