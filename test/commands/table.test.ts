import { describe, expect, it } from 'vitest'
import { shellWord } from '../../src/commands/table.ts'

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
