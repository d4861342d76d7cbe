import { execFile } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/commands/command-list.ts'
import { eventKeys } from '../../src/core/event/event-keys.ts'
import { isJsonObject } from '../../src/core/text/json-text.ts'
import {
  blames,
  deathReasons,
  errorClasses,
  outcomes,
  rejectionReasons,
} from '../../src/core/model/record-values.ts'
import { stopCauses } from '../../src/core/signal/signal.ts'
import { errorMessages, warningTexts } from '../support/error-messages.ts'
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

  it("names event keys as Logto's, and fields for the five uses that samples have", () => {
    const quoted = [...readme.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text)
    const keys = quoted.filter((text) => /^(?:Post[A-Z]\w+|[A-Z]\w+(?:\.[A-Z]\w+)+)$/.test(text))
    expect(keys.length).toBeGreaterThan(40)
    expect(keys.filter((key) => !eventKeys.includes(key))).toEqual([])
    const uses = /^\| use \|[^]*?\n\n/m.exec(readme)?.[0] ?? ''
    const fields = [...uses.matchAll(/`([a-z]\w*(?:\.\w+)*)`/g)].map(([, path = '']) => path)
    expect(fields.length).toBeGreaterThan(15)
    expect(fields.filter((path) => !samples.some((sample) => hasPath(sample, path)))).toEqual([])
  })

  it('has what each error says under Troubleshooting', () => {
    const chapter = readme.slice(readme.indexOf('\n## Troubleshooting'))
    const messages = errorMessages()
    expect(messages.length).toBeGreaterThan(50)
    expect(messages.filter(({ words }) => !chapter.includes(words))).toEqual([])
  })

  it('has each line of the log that warns, and what ends a processor, under Troubleshooting', () => {
    const chapter = readme.slice(readme.indexOf('\n## Troubleshooting'))
    const texts = warningTexts()
    expect(texts.length).toBeGreaterThan(30)
    expect(texts.filter((text) => !chapter.includes(text))).toEqual([])
  })

  it('says nothing twice under Troubleshooting', () => {
    const chapter = /^## Troubleshooting[^]*?^## /m.exec(readme)?.[0] ?? ''
    const cells = [...chapter.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell)
    const said = cells.flatMap((cell) => cell.match(/`[^`]{30,}`/g) ?? [])
    expect(said.filter((text, at) => said.indexOf(text) !== at)).toEqual([])
  })

  it('has no error under Troubleshooting that the program does not say', () => {
    const chapter = /^## Troubleshooting[^]*?^## /m.exec(readme)?.[0] ?? ''
    const cells = [...chapter.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell)
    const said = cells.flatMap((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
    )
    expect(said.length).toBeGreaterThan(50)
    expect(said.filter((text) => !isSaid(text))).toEqual([])
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

  it('names the packages of its examples, and how to make files modules, before each first use', () => {
    const examples = readme.matchAll(/^```ts file=\S+\n(.*?)^```$/gms)
    const missing = [...examples].flatMap(({ index, 1: code = '' }) => {
      const before = readme.slice(0, index)
      const installed = [...before.matchAll(/^npm pkg set type=module\nnpm i (.*)$/gm)]
      const names = installed.flatMap(([, list = '']) => list.split(' '))
      const imported = [...code.matchAll(/ from '([^.'][^:']*)'/g)].map(([, name = '']) => name)
      return imported.filter((name) => name !== 'hooktide' && !names.includes(name))
    })
    expect(missing).toEqual([])
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

const source = globSync('src/**/*.{ts,mjs}', { cwd: root })
  .map((file) => readFileSync(`${root}${file}`, 'utf8'))
  .join('\n')

/** Whether three words in a row stand in the source: sentences are put together there of what is not in README. */
function isSaid(text: string): boolean {
  const parts = text.split('…').map((part) => part.trim().split(' '))
  const longest = parts.reduce((one, other) => (other.length > one.length ? other : one), [])
  const size = Math.min(3, longest.length)
  return longest.some((_, at) => {
    const words = longest.slice(at, at + size)
    return words.length === size && source.includes(words.join(' '))
  })
}

const sampleFolder = `${root}test/samples/`
const samples = readdirSync(sampleFolder).map((name): unknown =>
  JSON.parse(readFileSync(`${sampleFolder}${name}`, 'utf8')),
)

function hasPath(value: unknown, path: string): boolean {
  const [name = '', ...rest] = path.split('.')
  if (!isJsonObject(value) || !Object.hasOwn(value, name)) return false
  return rest.length === 0 || hasPath(value[name], rest.join('.'))
}

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
