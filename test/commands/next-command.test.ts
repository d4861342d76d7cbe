import { describe, expect, it } from 'vitest'
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
    ['my-hook', 'hooktide replay --hook my-hook'],
    ['-rf', 'hooktide replay --hook=-rf'],
    ["-it's", `hooktide replay --hook='-it'\\''s'`],
  ])('has the value %s where it is not read as an option', (id, line) => {
    expect(nextCommand('replay', { hook: id })).toBe(line)
  })
})
