import { describe, expect, it } from 'vitest'
import { parseArguments } from '../../src/commands/arguments.ts'
import { replayCommand } from '../../src/commands/replay/replay.ts'
import { nextCommand, shellWord } from '../../src/commands/next-command.ts'

describe('a command that is printed for people to copy', () => {
  it.each([
    ['a,b-1', 'a,b-1'],
    ['a;reboot', "'a;reboot'"],
    ['$(reboot)', "'$(reboot)'"],
    ["it's", `'it'\\''s'`],
    ['', "''"],
  ])('quotes the id %s as %s, which a shell reads literally', (id, word) => {
    expect(shellWord(id)).toBe(word)
  })
})

describe('a whole command line', () => {
  it.each([
    ['my-hook', 'hooktide hooks test --force my-hook'],
    ['-rf', 'hooktide hooks test --force -- -rf'],
    ['--yes', 'hooktide hooks test --force -- --yes'],
    ['-$(x)', "hooktide hooks test --force -- '-$(x)'"],
  ])('has the operand %s where it is not read as an option', (id, line) => {
    expect(nextCommand('hooks test', { force: true }, id)).toBe(line)
  })

  it.each([
    [['a', 'b'], 'hooktide replay --hook a,b'],
    [['a,b', 'c'], "hooktide replay --hook 'a\\,b,c'"],
    [['a\\', 'b', 'c'], "hooktide replay --hook 'a\\' --hook b,c"],
    [['-a,b'], "hooktide replay --hook='-a\\,b'"],
  ])('has the values %j so that the command reads these', (hook, line) => {
    expect(nextCommand('replay', { hook })).toBe(line)
    const words = line.split(' ').slice(2)
    const typed = words.map((word) => word.replaceAll("'", ''))
    expect(parseArguments(replayCommand, typed)).toMatchObject({ options: { hook } })
  })

  it.each([
    ['my-hook', 'hooktide replay --hook my-hook'],
    ['-rf', 'hooktide replay --hook=-rf'],
    ["-it's", `hooktide replay --hook='-it'\\''s'`],
  ])('has the value %s where it is not read as an option', (id, line) => {
    expect(nextCommand('replay', { hook: id })).toBe(line)
  })
})
