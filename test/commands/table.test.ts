import { describe, expect, it } from 'vitest'
import { shellWord } from '../../src/commands/table.ts'

describe('a command that is printed for people to type', () => {
  it.each([
    ['a,b-1', 'a,b-1'],
    ['a;reboot', "'a;reboot'"],
    ['$(reboot)', "'$(reboot)'"],
    ["it's", `'it'\\''s'`],
    ['', "''"],
  ])('has the id %s as the word %s, which a shell takes literally', (id, word) => {
    expect(shellWord(id)).toBe(word)
  })
})
