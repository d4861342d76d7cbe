import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/commands/command-list.ts'
import {
  blames,
  deathReasons,
  errorClasses,
  outcomes,
  rejectionReasons,
} from '../../src/core/record-values.ts'
import { stopCauses } from '../../src/core/signal.ts'
import { errorMessages } from '../support/error-messages.ts'
import { writeReadmeExamples } from '../support/readme-examples.ts'
import { settingsTable } from '../support/write-readme-table.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(`${root}README.md`, 'utf8')

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

  it('has every reason of a rejection, and every cause that stops calls', () => {
    for (const value of [...rejectionReasons, ...stopCauses])
      expect(readme).toContain(`\`${value}\``)
  })

  it('has what each error says under Troubleshooting', () => {
    const chapter = readme.slice(readme.indexOf('\n## Troubleshooting'))
    const messages = errorMessages()
    expect(messages.length).toBeGreaterThan(50)
    expect(messages.filter(({ words }) => !chapter.includes(words))).toEqual([])
  })

  it('has a heading for every link to one, and a file for every link to one', () => {
    const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => slugOf(text))
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target)
    const broken = links.filter((target) => {
      if (target.startsWith('http')) return false
      if (target.startsWith('#')) return !headings.includes(target.slice(1))
      return !existsInCheckout(target)
    })
    expect(broken).toEqual([])
  })

  it('has examples that pass the strict type check', async () => {
    await using examples = await writeReadmeExamples()
    expect(examples.names.length).toBeGreaterThan(0)
    const tsc = `${root}node_modules/.bin/tsc`
    const output = await promisify(execFile)(tsc, ['-p', examples.folder]).then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout: string }).stdout,
    )
    expect(output).toBe('')
  })
})

/** As GitHub makes the anchor of a heading. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function existsInCheckout(path: string): boolean {
  return existsSync(`${root}${path}`)
}
