import { describe, expect, it } from 'vitest'
import type { Signal } from '../../../src/core/signal/signal.ts'
import { boundedLine, maxLineBytes } from '../../../src/edge/telemetry/line-bound.ts'
import { createSignalLog } from '../../../src/edge/telemetry/signal-log.ts'
import { createHandClock } from '../../support/hand-clock.ts'

type Line = Readonly<Record<string, unknown>>

function createLog(level = 'info', attemptsPerSecond = 3) {
  const clock = createHandClock()
  const lines: Line[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Line)
  const output = { isTerminal: false, write }
  const options = { level, instance: 'one', format: 'json', output } as const
  const signalLog = createSignalLog({ ...options, clock, attemptsPerSecond })
  const messages = () => lines.map(({ msg }) => msg)
  return { ...signalLog, clock, lines, messages }
}

const rejection = (offset: number): Signal => ({
  kind: 'record.rejected',
  source: { topic: 'auth.events', partition: 0, offset },
  reason: 'invalid-json',
  field: '',
  message: 'The value is not JSON.',
})
const suspension: Signal = {
  kind: 'hook.suspended',
  hookId: 'a',
  configVersion: '0-1',
  problems: [{ field: 'events', message: 'is no list' }],
}

describe('the log', () => {
  it('has 20 rejections of a second, then how many were left out, and those of the next second', async () => {
    const { write, clock, lines, messages } = createLog()
    for (let offset = 0; offset < 1_000; offset += 1) write(rejection(offset))
    write(suspension)
    expect(messages()).toEqual([
      ...Array.from({ length: 20 }, () => 'record.rejected'),
      'hook.suspended',
    ])
    await clock.advance(1_000)
    expect(lines.at(-1)).toMatchObject({ level: 'warn', msg: 'record.rejected.more', leftOut: 980 })
    write(rejection(1_000))
    expect(lines.at(-1)).toMatchObject({ msg: 'record.rejected', source: { offset: 1_000 } })
    await clock.advance(10_000)
    expect(lines).toHaveLength(23)
  })

  it('begins a second with the first line after the last one, and has 20 rejections of each', async () => {
    const { write, clock, messages } = createLog()
    const writeMany = () => {
      for (let offset = 0; offset < 100; offset += 1) write(rejection(offset))
    }
    // The first of these seconds begins long after the process, and its end is set late.
    await clock.advance(700)
    writeMany()
    for (let step = 0; step < 40; step += 1) {
      await clock.advance(70)
      writeMany()
    }
    const written = messages().filter((message) => message === 'record.rejected')
    expect(written).toHaveLength(3 * 20)
  })

  it.each<[string, Signal]>([
    ['suspended hooks', suspension],
    [
      'records that name no hook',
      {
        kind: 'hook.unusable',
        source: { topic: 'auth.hooks', partition: 0, offset: 1 },
        problem: { field: 'key', message: 'must be an id' },
      },
    ],
    [
      'changes of hooks',
      { kind: 'hook.changed', hookId: 'a', configVersion: '0-1', change: 'set' },
    ],
  ])('has 20 lines a second of %s', async (_, signal) => {
    const { write, clock, lines } = createLog()
    for (let count = 0; count < 100; count += 1) write(signal)
    await clock.advance(1_000)
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toMatchObject({ msg: `${signal.kind}.more`, leftOut: 80 })
  })

  it('has as many lines of other messages, and of all that are new within a second 200 kinds', async () => {
    const { log, clock, lines } = createLog()
    for (let count = 0; count < 25; count += 1) log.warn({ count }, 'the same')
    for (let count = 0; count < 1_000; count += 1) log.error(`another ${count}`)
    expect(lines).toHaveLength(20 + 199 + 20)
    await clock.advance(1_000)
    expect(lines.slice(-2)).toMatchObject([
      { level: 'warn', msg: 'the same.more', leftOut: 5 },
      { level: 'error', msg: 'other lines.more', leftOut: 781 },
    ])
  })

  it('has each line of a lower level for who asks for it, and each one that ends the process', () => {
    const { log, write, lines } = createLog('debug')
    for (let count = 0; count < 100; count += 1) {
      write({ kind: 'event.unmatched' })
      log.fatal('failed')
    }
    expect(lines).toHaveLength(200)
  })

  it('has no line beyond 16 KiB, and says of which fields something is cut', () => {
    const { write, lines } = createLog()
    const problems = Array.from({ length: 480_000 }, (_, index) => ({
      field: `events[${index}]`,
      message: 'must be an event key',
    }))
    write({ ...suspension, problems })
    const [line = {}] = lines
    expect(Buffer.byteLength(JSON.stringify(line)) + 1).toBeLessThanOrEqual(maxLineBytes)
    const { problems: shown, cut } = line
    expect(Array.isArray(shown) && shown.length).toBeGreaterThan(200)
    expect(shown).toEqual(problems.slice(0, Array.isArray(shown) ? shown.length : 0))
    expect(cut).toEqual({ problems: JSON.stringify(problems).length })
    expect(line).toMatchObject({
      level: 'warn',
      instance: 'one',
      msg: 'hook.suspended',
      hookId: 'a',
    })
  })
})

describe('a line that is too long', () => {
  const long = (length: number) => 'x'.repeat(length)
  it.each<[string, Line]>([
    ['one text', { msg: 'm', text: long(100_000) }],
    ['two texts', { text: long(100_000), msg: 'm', other: long(20_000) }],
    ['text that takes many bytes', { msg: 'm', text: '\u0001é😀"\\'.repeat(20_000) }],
    ['halves of pairs', { msg: 'm', text: '\ud83d'.repeat(20_000) }],
    [
      'characters that are escaped for terminals',
      { msg: 'm', text: '\u202e\u009b'.repeat(20_000) },
    ],
    ['its message', { level: 'warn', msg: long(100_000) }],
    ['one item of a list', { msg: 'm', list: [long(100_000), 'b'] }],
    ['a list of many', { msg: 'm', list: Array.from({ length: 100_000 }, () => null) }],
    ['lists in lists', { msg: 'm', list: [[[[long(100_000)]]]] }],
    ['an object', { msg: 'm', error: { a: 1, stack: long(100_000), b: { c: long(10) } } }],
    ['names', { msg: 'm', [long(100_000)]: 1, [long(50_000)]: 2, inner: { [long(90_000)]: 1 } }],
    [
      'many fields',
      Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`field ${index}`, index])),
    ],
    [
      'many long fields',
      Object.fromEntries(Array.from({ length: 300 }, (_, index) => [long(90) + index, long(900)])),
    ],
    ['a number of a thousand digits within much', { msg: 'm', n: 10 ** 300, text: long(17_000) }],
  ])('for %s is JSON of at most 16 KiB', (_, fields) => {
    const bounded = boundedLine(`${JSON.stringify(fields)}\n`)
    expect(Buffer.byteLength(bounded)).toBeLessThanOrEqual(maxLineBytes)
    expect(bounded.endsWith('}\n')).toBe(true)
    const line = JSON.parse(bounded) as Line
    expect(Object.keys(line['cut'] as object).length).toBeGreaterThan(0)
    if ('msg' in fields) expect(line['msg']).toBeTypeOf('string')
  })

  it('is cut without looking into what is nested deeper than a few levels', () => {
    const field = `${'['.repeat(3_000)}"${'x'.repeat(20_000)}"${']'.repeat(3_000)}`
    const line = boundedLine(`{"msg":"m","field":${field}}\n`)
    expect(line).toBe(
      `{"msg":"m","field":${'['.repeat(9)}"…"${']'.repeat(9)},"cut":{"field":26002}}\n`,
    )
  })

  it('keeps as much as there is room for', () => {
    const line = `${JSON.stringify({ msg: 'm', text: long(100_000), other: long(3_000) })}\n`
    const bounded = boundedLine(line)
    expect(Buffer.byteLength(bounded)).toBeGreaterThan(maxLineBytes - 300)
    expect(JSON.parse(bounded)).toMatchObject({ other: long(3_000), cut: { text: 100_002 } })
  })

  it('is left as it is at the bound', () => {
    const line = `${JSON.stringify({ text: long(maxLineBytes - 12) })}\n`
    expect(Buffer.byteLength(line)).toBe(maxLineBytes)
    expect(boundedLine(line)).toBe(line)
  })
})
