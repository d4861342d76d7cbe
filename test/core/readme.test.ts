import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/commands/command-list.ts'
import { blames, errorClasses, outcomes, deathReasons } from '../../src/core/model.ts'
import { settingsTable } from '../support/write-readme-table.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

describe('README', () => {
  it('has every setting as the program has it', () => {
    expect(readme).toContain(settingsTable())
  })

  it('names every command', () => {
    for (const { name } of commands) expect(readme).toContain(`\`${name}`)
  })

  it('lists outcomes, reasons, error classes and blames as results have them', () => {
    for (const list of [outcomes, deathReasons, errorClasses, blames]) {
      expect(readme).toContain(list.map((value) => `\`${value}\``).join(', '))
    }
  })
})
