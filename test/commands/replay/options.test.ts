import { describe, expect, it } from 'vitest'
import { isWide, parseReplayOptions } from '../../../src/commands/replay/options.ts'
import { parseArguments } from '../../../src/commands/arguments.ts'
import { replayCommand } from '../../../src/commands/replay/replay.ts'

const now = Date.parse('2026-09-14T12:00:00Z')

function wanted(line: string) {
  const parsed = parseArguments(replayCommand, line === '' ? [] : line.split(' '))
  if (parsed.kind === 'help') throw new Error('help was asked for')
  return parseReplayOptions(parsed, now)
}

describe('options of a replay choose records', () => {
  it('by time', () => {
    expect(wanted('--from 2h --to 2026-09-14T11:00:00Z --hook a,b,a --event PostSignIn')).toEqual({
      kind: 'new',
      order: { from: 'events', hooks: ['a', 'b'], eventKeys: ['PostSignIn'] },
      range: { kind: 'times', from: now - 7_200_000, to: now - 3_600_000 },
    })
  })

  it('by offset, of several partitions', () => {
    expect(wanted('--offsets auth.events/0/100-250,other/12/7- --tenant t')).toEqual({
      kind: 'new',
      order: { from: 'events', tenants: ['t'] },
      range: {
        kind: 'offsets',
        ranges: [
          { topic: 'auth.events', partition: 0, first: 100, last: 250 },
          { topic: 'other', partition: 12, first: 7, last: undefined },
        ],
      },
    })
  })

  it('of all dead letters', () => {
    expect(wanted('--failed-only --reason gone,exhausted --again')).toEqual({
      kind: 'new',
      order: { from: 'dead-letters', reasons: ['gone', 'exhausted'], again: true },
      range: { kind: 'times', from: 'earliest', to: undefined },
    })
  })

  it('of dead letters with any reason that dead letters have', () => {
    const reasons = ['endpoint-down', 'overflow', 'max-age']
    expect(wanted(`--failed-only --reason ${reasons.join(',')}`)).toMatchObject({
      order: { from: 'dead-letters', reasons },
    })
  })

  it('of a replay to resume', () => {
    expect(wanted('--resume abc --rate 5 --json')).toEqual({ kind: 'resume', id: 'abc' })
  })
})

describe('options of a replay are refused', () => {
  it.each([
    ['', 'Choose what to replay: --from, --offsets or --failed-only.'],
    ['--from 1h --reason gone', '--reason works only on dead letters: give --failed-only too.'],
    ['--from 1h --again', '--again works only on dead letters'],
    ['--failed-only --reason hook-deleted', '--reason must be one of gone, '],
    ['--from yesterday', '--from must be earliest, a time'],
    ['--from 1h --to earliest', '--to must be a time'],
    ['--from 1h --to 2h', '--to must be later than --from.'],
    ['--offsets x', '--offsets must be <topic>/<partition>/<first>-<last>'],
    ['--offsets a/0/5-4', 'not "a/0/5-4"'],
    ['--offsets a/0/1-2 --to 1h', '--offsets and --to exclude each other'],
    ['--from 1h --hook a,{', '--hook must be the id of a hook: text of 1 to 128'],
    ['--from 1h --tenant ,', '--tenant must be the id of a tenant: text of 1 to 128'],
    ['--from 1h --event sign-in', '--event must be an event key such as PostSignIn'],
    ['--resume x --hook a', 'leave out --hook.'],
    ['--resume x --dry-run', 'leave out --dry-run.'],
  ])('when it is "%s"', (line, message) => {
    expect(() => wanted(line)).toThrow(message)
  })

  it('when they name more hooks than can be stored for --resume', () => {
    const hooks = Array.from({ length: 300 }, (_, index) => `hook-number-${index}-of-many`)
    expect(() => wanted(`--from 1h --hook ${hooks.join(',')}`)).toThrow('together are too long')
  })
})

describe('a replay', () => {
  it.each([
    ['--from 2h', true],
    ['--from 2h --event PostSignIn', true],
    ['--failed-only', true],
    ['--failed-only --reason gone', true],
    ['--from 2h --hook a', false],
    ['--failed-only --tenant acme', false],
    ['--offsets auth.events/0/1-2', false],
    ['--resume abc', false],
  ])('is wide where it names neither hooks, tenants nor offsets: %s', (line, wide) => {
    expect(isWide(wanted(line))).toBe(wide)
  })

  it('of what is undelivered is of events', () => {
    expect(wanted('--from 2h --undelivered')).toMatchObject({
      order: { from: 'events', undelivered: true },
    })
    expect(() => wanted('--failed-only --undelivered')).toThrow('give one of them')
  })
})
