/** No input costs more than its bytes: whatever can repeat in it, twice as much of it takes about twice as long. */
import { describe, expect, it } from 'vitest'
import { compileAvro } from '../../src/core/avro/avro.ts'
import {
  deadLetterHeaders,
  decodeRun,
  rejectedHeaders,
  runHeaders,
} from '../../src/core/run/delivery-headers.ts'
import { bodyFor, decodeEvent } from '../../src/core/event/event.ts'
import { passing } from '../../src/core/hook/filter-match.ts'
import { parseJson } from '../../src/core/text/json.ts'
import { readJsonObject } from '../../src/core/text/json-text.ts'
import type { KafkaHeader } from '../../src/core/model/model.ts'
import { PackedHeaders } from '../../src/core/event/packed-headers.ts'
import { HeaderReader } from '../../src/core/event/record-headers.ts'
import { createFilters } from '../../src/edge/filter/cel.ts'
import { type Case, growsWithSize, growth, payload, text, times } from '../support/growth.ts'
import { batchOf, batchWith, read } from '../support/kafka-batch.ts'
import { eventOf, hookOf, runOf } from '../support/model-builders.ts'
import { recordOf } from '../support/record-builders.ts'

const headers = (size: number): KafkaHeader[] =>
  times(size, (index) => [`x-${index}`, Buffer.from(`${index}`)])
const sameHeaders = (size: number): KafkaHeader[] =>
  times(size, (index) => ['x', index % 2 === 0 ? null : Buffer.from('value')])
const rejection = { reason: 'invalid-header', field: '', message: 'Too many.' } as const
const death = { reason: 'exhausted', status: 500, diedAt: 0 } as const

const pack = (list: readonly KafkaHeader[]) => PackedHeaders.pack(list)
const unpack = ({ length, bytes }: PackedHeaders) => [...PackedHeaders.of(length, bytes)].length
const decode = (value: Buffer) => decodeEvent(recordOf({ value }))

const ofHeaders: readonly Case[] = [
  growth(
    'headers of a fetched record',
    async (size) => batchWith(headers(size)),
    async (batch) => read(await batch),
  ),
  growth(
    'headers of one name',
    (size) => batchWith(sameHeaders(size)),
    async (batch) => read(await batch),
  ),
  growth('headers that are taken apart', (size) => pack(headers(size)), unpack),
  growth('headers to be written', headers, batchWith),
  growth(
    'headers of a record that is rejected',
    (size) => recordOf({ headers: pack(headers(size)) }),
    (record) => batchWith(rejectedHeaders(record, rejection)),
  ),
  growth(
    'headers of a record that is read',
    (size) => recordOf({ headers: pack(headers(size)), value: payload('"a":1') }),
    decodeEvent,
  ),
  growth(
    'headers of a tier record',
    (size) => recordOf({ headers: pack(headers(size)), value: payload('"a":1') }),
    (record) => decodeRun(record, 'tier'),
  ),
  growth(
    'headers that a reader finds',
    (size) => pack(headers(size)),
    (list) => new HeaderReader(list).text('x-3', 10),
    1_000,
  ),
  growth(
    'headers of each hook of an event',
    (size) => runOf({ event: eventOf({ headers: pack(headers(size)) }) }),
    (run) => times(100, () => pack([...runHeaders(run), ...deadLetterHeaders(run, death)])),
    1_000,
  ),
  growth(
    'headers that a filter reads',
    (size) => eventOf({ headers: pack(sameHeaders(size)) }),
    (event) =>
      passing([{ kind: 'active', hook: hookOf({ filter: '"x" in headers' }) }], event, {
        ...createFilters(),
        onFault: () => undefined,
      }),
  ),
  growth(
    'records of a batch',
    (size) =>
      batchOf(
        'none',
        0,
        times(size, () => 'v'),
      ),
    async (batch) => read(await batch),
    80_000,
  ),
]

const json = (size: number, open: string, close: string) =>
  Buffer.from(`{"a":${open.repeat(size)}1${close.repeat(size)}}`)

const ofJson: readonly Case[] = [
  growth('members', (size) => payload(text(size, (index) => `"key ${index}":1`, ',')), decode),
  growth(
    'members of which two are alike',
    (size) => payload(`"a":1,${text(size, (index) => `"key ${index}":1`, ',')},"a":2`),
    decode,
  ),
  growth(
    'members named by numbers',
    (size) => payload(text(size, (index) => `"${index * 7919}":1`, ',')),
    decode,
  ),
  growth('elements', (size) => payload(`"a":[${text(size, (index) => `${index}`, ',')}]`), decode),
  growth(
    'elements of nested lists',
    (size) => payload(`"a":[${text(size, () => `${'['.repeat(150)}${']'.repeat(150)}`, ',')}]`),
    decode,
    8_000,
  ),
  growth('levels of lists', (size) => json(size, '[', ']'), decode),
  growth('levels of objects', (size) => json(size, '{"a":', '}'), decode),
  growth('levels that are never closed', (size) => Buffer.from('{"a":['.repeat(size)), decode),
  growth('brackets that close nothing', (size) => Buffer.from(']'.repeat(size)), decode),
  growth('escapes of a text', (size) => payload(`"a":"${'\\u0041\\\\\\"'.repeat(size)}"`), decode),
  growth(
    'backslashes of an open text',
    (size) => Buffer.from(`{"a":"${'\\'.repeat(size)}`),
    decode,
  ),
  growth('digits of a number', (size) => payload(`"a":${'7'.repeat(size)}`), decode),
  growth(
    'white space',
    (size) =>
      Buffer.concat([
        Buffer.from(' \n'.repeat(size)),
        payload('"a":1'),
        Buffer.from('\t'.repeat(size)),
      ]),
    decode,
  ),
  growth(
    'characters of an event key',
    (size) => Buffer.from(`{"event":"${'Post.'.repeat(size)}"}`),
    decode,
  ),
  growth(
    'characters of a time',
    (size) =>
      Buffer.from(`{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.${'0'.repeat(size)}Z"}`),
    decode,
  ),
  growth(
    'hooks of an event',
    (size) => times(size, (index) => `hook-${index}`),
    (ids) => ids.map((id) => bodyFor(eventOf({}), id).length),
  ),
  growth(
    'parts of text that is parsed',
    (size) => text(size, () => '{"a":[1,2,"x"]}', ','),
    (one) => parseJson(`[${one}]`),
  ),
  growth('bytes that are no UTF-8', (size) => Buffer.alloc(size, 0xff), readJsonObject),
]

const schema = (type: unknown) =>
  JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'f', type }] })
const renders = (type: unknown) => {
  const compiled = compileAvro([schema(type)])
  if (compiled.kind !== 'avro') throw new Error(compiled.message)
  return compiled.render
}
const renderNulls = renders({ type: 'array', items: 'null' })
const renderTexts = renders({ type: 'array', items: 'string' })
const renderMap = renders({ type: 'map', values: 'int' })
const renderList = renders(['null', 'R'])
const renderJson = renders({ type: 'string', logicalType: 'json' })
const zigzag = (value: number) =>
  PackedHeaders.pack([['', Buffer.alloc(value)]]).bytes.subarray(1, -value)

const ofAvro: readonly Case[] = [
  growth(
    'items of an array',
    (size) => Buffer.concat([zigzag(size), Buffer.from([0])]),
    renderNulls,
  ),
  growth(
    'blocks of an array',
    (size) => Buffer.from([...times(size * 2, (index) => (index % 2 === 0 ? 2 : 0)), 0]),
    renderTexts,
  ),
  growth(
    'entries of a map',
    (size) =>
      Buffer.concat([
        zigzag(size),
        Buffer.alloc(size * 3, Buffer.from([2, 0x61, 8])),
        Buffer.from([0]),
      ]),
    renderMap,
  ),
  growth('records within each other', (size) => Buffer.alloc(size, 2), renderList),
  growth(
    'bytes of a text',
    (size) =>
      Buffer.concat([Buffer.from([2]), zigzag(size), Buffer.alloc(size, 'é'), Buffer.from([0])]),
    renderTexts,
  ),
  growth(
    'levels of JSON in a text',
    (size) => Buffer.concat([zigzag(size * 2), Buffer.from('['.repeat(size) + ']'.repeat(size))]),
    renderJson,
  ),
  growth(
    'members of JSON in a text',
    (size) => {
      const one = Buffer.from(`[${text(size, () => '{"a":1}', ',')}]`)
      return Buffer.concat([zigzag(one.length), one])
    },
    renderJson,
  ),
  growth(
    'fields of a schema',
    (size) =>
      JSON.stringify({
        type: 'record',
        name: 'R',
        fields: times(size, (index) => ({ name: `f${index}`, type: 'int' })),
      }),
    (one) => compileAvro([one]),
  ),
  growth(
    'branches of a union',
    (size) => schema(times(size, (index) => ({ type: 'fixed', name: `F${index}`, size: 1 }))),
    (one) => compileAvro([one]),
  ),
  growth(
    'symbols of an enum',
    (size) => schema({ type: 'enum', name: 'E', symbols: times(size, (index) => `S${index}`) }),
    (one) => compileAvro([one]),
  ),
  growth(
    'aliases',
    (size) =>
      schema({ type: 'fixed', name: 'F', size: 1, aliases: times(size, (index) => `A${index}`) }),
    (one) => compileAvro([one]),
  ),
  growth(
    'names with dots',
    (size) => schema(times(size, (index) => ({ type: 'fixed', name: `a.b.c.F${index}`, size: 1 }))),
    (one) => compileAvro([one]),
  ),
  growth(
    'parts of one name',
    (size) => schema({ type: 'record', name: 'a.'.repeat(size) + 'R', fields: [] }),
    (one) => compileAvro([one]),
  ),
  growth(
    'levels of a schema',
    (size) => `${'{"type":"array","items":'.repeat(size)}"int"${'}'.repeat(size)}`,
    (one) => compileAvro([one]),
  ),
  growth(
    'schemas that refer to each other',
    (size) =>
      times(size, (index) =>
        JSON.stringify({
          type: 'record',
          name: `R${index}`,
          fields: index === 0 ? [] : [{ name: 'f', type: `R${index - 1}` }],
        }),
      ),
    compileAvro,
  ),
]

describe('work grows no faster than its input, of', () => {
  it.each([...ofHeaders, ...ofJson, ...ofAvro])('%s', { timeout: 60_000 }, async (_, check) => {
    expect(await check()).toBe(true)
  })
})

describe('the measure of growth', () => {
  it('finds work that grows with the square of its input', { timeout: 60_000 }, async () => {
    const make = (size: number) => times(size, (index) => index)
    const looking = (items: readonly number[]) => {
      let sum = 0
      for (const item of items) for (const other of items) sum += item ^ other
      return sum
    }
    expect(await growsWithSize({ make, run: looking, maxSize: 8_000 })).toBe(false)
    const sorting = (items: readonly number[]) => items.toSorted((one, other) => other - one)
    expect(await growsWithSize({ make, run: sorting })).toBe(true)
  })
})
