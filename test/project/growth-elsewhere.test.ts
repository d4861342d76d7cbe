/** As `growth.test.ts`, of what is kept, printed and typed. */
import { describe, expect, it } from 'vitest'
import { paragraph } from '../../src/commands/columns.ts'
import { shellWord } from '../../src/commands/next-command.ts'
import { alignedRows, describedRows } from '../../src/commands/table.ts'
import { jsonFaultOf } from '../../src/commands/input/json-fault.ts'
import { splitJson } from '../../src/commands/input/json-input.ts'
import { piecesOf, withoutMember } from '../../src/core/text/json-pieces.ts'
import { checkEvent } from '../../src/commands/events/input.ts'
import { ResultTable } from '../../src/commands/results/result-line.ts'
import { isResult } from '../../src/commands/results/result.ts'
import { readHookKey, readHookValue } from '../../src/core/hook/captured-change.ts'
import { decodeCompletedRuns, encodeCompletedRuns } from '../../src/core/offsets/completed-runs.ts'
import { decodeHealth } from '../../src/core/health/record.ts'
import { Statistics } from '../../src/core/answers/statistics.ts'
import { passing } from '../../src/core/hook/filter-match.ts'
import { type HookEntry, HookTable } from '../../src/core/hook/table.ts'
import { Ledger } from '../../src/core/offsets/ledger.ts'
import type { TableEntry } from '../../src/core/model/model.ts'
import { foldedText, hide } from '../../src/core/text/hidden-text.ts'
import { printable } from '../../src/core/text/printable-text.ts'
import { commitsOf, readCommits } from '../../src/commands/replay/progress.ts'
import { parseRetryAfter } from '../../src/edge/http/retry-after.ts'
import { jsonResultEncoder } from '../../src/edge/registry/result-codec.ts'
import { createFilters } from '../../src/edge/filter/cel.ts'
import { gauge } from '../../src/edge/telemetry/exposition.ts'
import { boundedLine } from '../../src/edge/telemetry/line-bound.ts'
import { type Case, growth, payload, text, times } from '../support/growth.ts'
import { eventOf, hookOf } from '../support/model-builders.ts'
import { recordOf } from '../support/record-builders.ts'
import { endWith } from '../support/results.ts'

const entry = (index: number, events: readonly string[] = ['PostSignIn']) => ({
  kind: 'active' as const,
  hook: hookOf({ id: `hook-${index}`, events }),
})
function tableOf(entries: readonly HookEntry[]): HookTable {
  const table = new HookTable()
  for (const one of entries) table.set(one)
  return table
}
const row = (columns: object) =>
  Buffer.from(
    JSON.stringify({ id: 'a', tenant_id: 't', signing_key: 'k', created_at: 1, ...columns }),
  )

const ofHooks: readonly Case[] = [
  growth(
    'hooks of one event key',
    (size) => times(size, (index) => entry(index)),
    (entries) => {
      const table = tableOf(entries)
      for (const { hook } of entries) table.delete(hook.id)
    },
  ),
  growth(
    'event keys of one hook',
    (size) =>
      entry(
        0,
        times(size, (index) => `Key.${index}`),
      ),
    (one) => {
      const table = tableOf([one, one])
      return table.matching({ tenantId: 'default', event: 'Key.3' })
    },
  ),
  growth(
    'hooks that an event is for',
    (size) => tableOf(times(size, (index) => entry(index))),
    (table) => table.matching(eventOf({})),
    // More than that, and what counts is how far the memory is away.
    8_000,
  ),
  growth(
    'hooks with a filter',
    (size) =>
      times(size, (index): TableEntry => ({
        kind: 'active',
        hook: hookOf({ id: `h${index}`, filter: `event.a == ${index % 7}.0` }),
      })),
    (entries) => passing(entries, eventOf({}), { ...createFilters(), onFault: () => undefined }),
  ),
  growth(
    'members of a captured row',
    (size) => row(Object.fromEntries(times(size, (index) => [`c${index}`, index]))),
    readHookValue,
  ),
  growth(
    'elements of a column of JSON text',
    (size) => row({ events: JSON.stringify(times(size, (index) => `Key.${index}`)) }),
    readHookValue,
  ),
  growth(
    'levels of a column of JSON text',
    (size) => row({ config: '['.repeat(size) + ']'.repeat(size) }),
    readHookValue,
  ),
  growth('levels of a key', (size) => Buffer.from(`{"id":${'['.repeat(size)}`), readHookKey),
  growth('characters of a key', (size) => Buffer.alloc(size, 'a'), readHookKey),
  growth(
    'members of a record of endpoint health',
    (size) =>
      recordOf({
        key: Buffer.from('a'),
        value: payload(text(size, (index) => `"k${index}":1`, ',')),
      }),
    decodeHealth,
  ),
  growth(
    'characters of a filter that is too long',
    (size) => 'a.'.repeat(size),
    (one) => createFilters().fault(one),
  ),
  growth(
    'operators of a filter',
    (size) => text(size, () => 'true', '||'),
    (one) => createFilters().fault(one),
    600,
  ),
  growth(
    'brackets of a filter',
    (size) => '('.repeat(size),
    (one) => times(50, () => createFilters().fault(one)),
    4_000,
  ),
]

const ranges = (size: number) =>
  times(size, (index) => ({ from: 10 + index * 4, to: 12 + index * 4 }))
const place = { group: 'g', topic: 't', partition: 0, offset: 0 }
const metadataOf = (size: number) => encodeCompletedRuns(place, ranges(size))

/** Answers that look like what is encoded, in each way to cut them. */
const answers: readonly (readonly [what: string, unit: string])[] = [
  ['base64', 'ICAg'],
  ['base64 of base64', 'SUNBZ0lD'],
  ['digits that are text in hex', '33'],
  ['numbers that are text', '65,'],
  ['numbers with their index', '"1":65,'],
  ['what is quoted-printable', '=41'],
  ['signs of equality', '='],
  ['escapes', '%25%41'],
  ['backslashes', '\\'],
  ['octal escapes', '\\101'],
  ['white space', '= '],
  ['tags', '<a>'],
  ['beginnings of tags', '<a'],
  ['colours', '\u001B[0m'],
  ['numbered lines', '1 a\n'],
  ['lines of a dump', '0: 61 62 63  abc\n'],
  ['spaces behind a number', '1  '],
  ['references', '&#65'],
  ['beginnings of references', '&amp'],
]
const hidden = {
  secrets: [foldedText('tok_J8s4dk2Lq9-of-a-hook'), 'aaaaaa'],
  wholes: ['bo@ward.example', 'aaaaaaaaaa'],
  sources: ['{"event":"PostSignIn","userId":"k3v9tq2mzx7a"}'.repeat(20)],
}
const ofAnswers: readonly Case[] = answers.map(([what, unit]) =>
  growth(
    `${what} in an answer`,
    (size) => unit.repeat(size),
    (one) => hide(one, hidden, true),
  ),
)

const ofCommits: readonly Case[] = [
  growth('ranges of a commit', ranges, (all) => encodeCompletedRuns(place, all)),
  growth('characters of metadata', metadataOf, (one) => decodeCompletedRuns(place, one)),
  growth(
    'offsets that a commit has as complete',
    ranges,
    (restored) => {
      const ledger = new Ledger(0, restored)
      for (let offset = 0; offset < 6_000; offset += 1)
        if (ledger.admit(offset) === 'new') ledger.complete(offset)
      return ledger.position()
    },
    1_400,
  ),
  growth(
    'partitions of a stored replay',
    (size) =>
      commitsOf(
        'g',
        { from: 'events' },
        times(size, (partition) => ({ topic: 't', partition, next: 1, end: 5 })),
      ),
    (commits) => readCommits('g', commits),
  ),
  growth(
    'characters of Retry-After',
    (size) => '1'.repeat(size),
    (one) => parseRetryAfter(one, 0),
  ),
]

const result = endWith({})
const spaced = '\u202e \u0007 x'

const ofOutput: readonly Case[] = [
  growth(
    'rows of a table',
    (size) => times(size, (index) => [`a${index}`, 'b', `c${index}`]),
    alignedRows,
  ),
  growth('cells of a row', (size) => [times(size, (index) => `a${index}`)], alignedRows),
  growth('characters of a cell', (size) => [[spaced.repeat(size)], ['b']], alignedRows),
  growth(
    'rows of a description',
    (size) => times(size, (index) => [`a${index}`, 'some words that tell']),
    (rows) => describedRows(rows, 80),
  ),
  growth(
    'words of a description',
    (size) => [['a', 'word '.repeat(size)]],
    (rows) => describedRows(rows, 80),
  ),
  growth(
    'words of a paragraph',
    (size) => `${'word '.repeat(size)}${spaced.repeat(size)}`,
    (text) => paragraph(text, 80),
  ),
  growth('characters that are made printable', (size) => spaced.repeat(size), printable),
  growth('quotes of a word for a shell', (size) => "'".repeat(size), shellWord),
  growth(
    'characters of a result',
    (size) => ({ ...result, errorMessage: spaced.repeat(size), eventId: 'e'.repeat(size) }),
    (one) => new ResultTable(undefined).lines(one, 0),
  ),
  growth(
    'characters of a result in a terminal',
    (size) => ({ ...result, errorMessage: spaced.repeat(size), hookId: spaced.repeat(size) }),
    (one) => new ResultTable(200).lines(one, 0),
  ),
  growth(
    'results that statistics are made of',
    (size) =>
      times(size, (index) =>
        endWith({ run: `t/0/${index}`, hookId: `h${index}`, reason: `r${index}` }),
      ),
    (results) => {
      const statistics = new Statistics('hook')
      for (const one of results) statistics.add(one)
      return statistics.groups()
    },
  ),
  growth(
    'characters of a result as JSON',
    (size) => ({ ...result, responseBody: spaced.repeat(size) }),
    (one) => jsonResultEncoder.encode(one),
  ),
  growth(
    'members of a result',
    (size) => Object.fromEntries(times(size, (index) => [`m${index}`, 1])),
    isResult,
  ),
  growth(
    'values of a label',
    (size) => new Map(times(size, (index) => [`topic"${index}`, index])),
    (values) => gauge({ name: 'g', help: 'h' }, { label: 'topic', values }),
  ),
  growth(
    'items of a log line',
    (size) => `${JSON.stringify({ problems: times(size, (index) => ({ field: `f${index}` })) })}\n`,
    boundedLine,
  ),
  growth(
    'fields of a log line',
    (size) => `${JSON.stringify(Object.fromEntries(times(size, (index) => [`f${index}`, 'x'])))}\n`,
    boundedLine,
  ),
  growth(
    'characters of a log line',
    (size) => `${JSON.stringify({ text: '\u0001é'.repeat(size) })}\n`,
    boundedLine,
  ),
]

const event = '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'
const inputOf = (value: string) => ({ place: '', bytes: Buffer.from(value), line: 1 })

const ofInput: readonly Case[] = [
  growth('lines of a file', (size) => Buffer.from(text(size, () => event, '\n')), splitJson),
  growth('empty lines of a file', (size) => Buffer.from('\n'.repeat(size)), splitJson),
  growth(
    'elements of a list in a file',
    (size) => Buffer.from(`[${text(size, () => event, ',')}]`),
    splitJson,
  ),
  growth('levels of a file', (size) => Buffer.from('['.repeat(size)), splitJson),
  growth('lines before a fault', (size) => `[${text(size, () => '1', ',\n')}`, jsonFaultOf),
  growth('levels before a fault', (size) => '['.repeat(size), jsonFaultOf),
  growth(
    'members of an object that is cut',
    (size) => payload(text(size, (index) => `"k${index}":1`, ',')),
    (one) => [piecesOf(one), withoutMember(one, 'event')],
  ),
  growth(
    'members of an event that is judged',
    (size) => inputOf(payload(text(size, (index) => `"k${index}":1`, ',')).toString()),
    (input) => checkEvent(input, []),
  ),
  growth(
    'lines of an event that is no JSON',
    (size) => inputOf(`{${text(size, () => '"a":1', ',\n')}`),
    (input) => checkEvent(input, []),
  ),
]

describe('work grows no faster than its input, of', () => {
  it.each([...ofHooks, ...ofAnswers, ...ofCommits, ...ofOutput, ...ofInput])(
    '%s',
    { timeout: 60_000 },
    async (_, check) => {
      expect(await check()).toBe(true)
    },
  )
})
