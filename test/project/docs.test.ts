import { execFile } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { commandList, loaded } from '../../src/commands/command-list.ts'
import { eventKeys, noticeKeys } from '../../src/core/event/event-keys.ts'
import { isJsonObject } from '../../src/core/text/json.ts'
import {
  blames,
  deathReasons,
  errorClasses,
  outcomes,
  refusalReasons,
  rejectionReasons,
  unmatchedReasons,
} from '../../src/core/model/record-values.ts'
import { lossReasons } from '../../src/core/notice/losses.ts'
import notice from '../../schemas/notice.schema.json' with { type: 'json' }
import { stopCauses } from '../../src/core/signal/signal.ts'
import { documents, documentText } from '../support/docs.ts'
import { errorMessages, warningTexts } from '../support/error-messages.ts'
import { writeDocExamples } from '../support/doc-examples.ts'
import { settingsTable } from '../support/write-settings-table.ts'

const commands = await loaded(commandList)

const root = fileURLToPath(new URL('../../', import.meta.url))
const all = documents()
const allText = all.map(({ text }) => text).join('\n')

describe('the documents', () => {
  it('describe every setting as the program does', () => {
    expect(documentText('docs/configuration.md')).toContain(settingsTable())
  })

  it('name every command', () => {
    const text = documentText('docs/commands.md')
    for (const { name } of commands) expect(text).toContain(`\`${name}`)
  })

  it('list the outcomes, reasons, error classes and blames of results', () => {
    for (const list of [outcomes, deathReasons, errorClasses, blames]) {
      expect(documentText('docs/results.md')).toContain(
        list.map((value) => `\`${value}\``).join(', '),
      )
    }
  })

  it('list every reason of an event without a delivery', () => {
    for (const value of [...unmatchedReasons, ...refusalReasons])
      expect(documentText('docs/results.md')).toContain(`\`${value}\``)
  })

  it('list every reason of a rejection, and every cause that stops calls', () => {
    for (const value of [...rejectionReasons, ...stopCauses])
      expect(allText).toContain(`\`${value}\``)
  })

  it('use event keys of Logto and of notices, and for the five uses fields that samples have', () => {
    const quoted = [...allText.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text)
    const keys = quoted.filter((text) => /^(?:Post[A-Z]\w+|[A-Z]\w+(?:\.[A-Z]\w+)+)$/.test(text))
    expect(keys.length).toBeGreaterThan(40)
    const known: readonly string[] = [...eventKeys, ...noticeKeys]
    expect(keys.filter((key) => !known.includes(key))).toEqual([])
    const uses = /^\| use \|[^]*?\n\n/m.exec(documentText('docs/receivers.md'))?.[0] ?? ''
    const fields = [...uses.matchAll(/`([a-z]\w*(?:\.\w+)*)`/g)].map(([, path = '']) => path)
    expect(fields.length).toBeGreaterThan(15)
    expect(fields.filter((path) => !samples.some((sample) => hasPath(sample, path)))).toEqual([])
  })

  it('name every notice, and show one as its schema has it', () => {
    const text = documentText('docs/notices.md')
    for (const key of noticeKeys) expect(text).toContain(`| \`${key}\` |`)
    for (const reason of lossReasons) expect(text).toContain(`\`${reason}\``)
    const [, shown = ''] = /what a receiver\s+gets:\s+```json\n([^]*?)```/.exec(text) ?? []
    const { hookId, ...payload } = JSON.parse(shown) as Record<string, unknown>
    expect(hookId).toBe('operations')
    expect(notice.examples).toContainEqual(payload)
  })

  it('list every error under Troubleshooting', () => {
    const chapter = documentText('docs/troubleshooting.md')
    const messages = errorMessages()
    expect(messages.length).toBeGreaterThan(50)
    expect(messages.filter(({ words }) => !chapter.includes(words))).toEqual([])
  })

  it('list every warning of the log, and every error that ends a processor, under Troubleshooting', () => {
    const chapter = documentText('docs/troubleshooting.md')
    const texts = warningTexts()
    expect(texts.length).toBeGreaterThan(30)
    expect(texts.filter((text) => !chapter.includes(text))).toEqual([])
  })

  it('list no message twice under Troubleshooting', () => {
    const chapter = documentText('docs/troubleshooting.md')
    const cells = [...chapter.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell)
    const said = cells.flatMap((cell) => cell.match(/`[^`]{30,}`/g) ?? [])
    expect(said.filter((text, at) => said.indexOf(text) !== at)).toEqual([])
  })

  it('list no error under Troubleshooting that the program does not have', () => {
    const chapter = documentText('docs/troubleshooting.md')
    const cells = [...chapter.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell)
    const said = cells.flatMap((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
    )
    expect(said.length).toBeGreaterThan(50)
    expect(said.filter((text) => !isSaid(text))).toEqual([])
  })

  it('have a target for every link', () => {
    const broken = all.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !target.startsWith('http') && !leadsSomewhere(path, target))
        .map((target) => `${path}: ${target}`),
    )
    expect(broken).toEqual([])
  })

  it('say how to install the packages of their examples before they are used', () => {
    const missing = all.flatMap(({ path, text }) =>
      [...text.matchAll(/^```ts file=\S+\n(.*?)^```$/gms)].flatMap(({ index, 1: code = '' }) => {
        const before = text.slice(0, index)
        const installed = [...before.matchAll(/^npm pkg set type=module\nnpm i (.*)$/gm)]
        const names = installed.flatMap(([, list = '']) => list.split(' '))
        const imported = [...code.matchAll(/ from '([^.'][^':]*)'/g)].map(([, name = '']) => name)
        const lacking = imported.filter((name) => name !== 'hooktide' && !names.includes(name))
        return lacking.map((name) => `${path}: ${name}`)
      }),
    )
    expect(missing).toEqual([])
  })

  it('are a front page of at most 10 KB, and pages that it links to', () => {
    const front = documentText('README.md')
    expect(Buffer.byteLength(front)).toBeLessThanOrEqual(10 * 1024)
    expect(
      all
        .map(({ path }) => path)
        .filter((path) => path !== 'README.md' && !front.includes(`(${path}`)),
    ).toEqual([])
  })

  it('have examples that pass the strict type check', async () => {
    await using examples = await writeDocExamples()
    expect(examples.names.length).toBeGreaterThan(0)
    const tsc = `${root}node_modules/.bin/tsc`
    const output = await promisify(execFile)(tsc, ['-p', examples.folder]).then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout: string }).stdout,
    )
    expect(output).toBe('')
  })
})

const source = globSync(['src/**/*.{ts,mjs}', 'examples/sandbox/*.ts', 'scripts/bootstrap.mjs'], {
  cwd: root,
})
  .map((file) => readFileSync(`${root}${file}`, 'utf8'))
  .join('\n')

/** Whether three words in a row stand in the source: sentences are put together there of what is in no document. */
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

function leadsSomewhere(from: string, target: string): boolean {
  const [file = '', heading] = target.split('#')
  const path = file === '' ? from : normalize(join(dirname(from), file))
  if (!existsSync(`${root}${path}`)) return false
  if (heading === undefined) return true
  const headings = [...documentText(path).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text)
  return headings.some((text) => slugOf(text) === heading)
}
