/** The error messages and warnings of the program, found in its source. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface ErrorMessage {
  readonly file: string
  /** The longest constant part of the sentence. */
  readonly words: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const speaking = [
  'src/*.{ts,mjs}',
  'src/{commands,edge,settings}/**/*.ts',
  'examples/sandbox/*.ts',
  'scripts/bootstrap.mjs',
]
/** Texts that are not errors: help, and descriptions of metrics. */
const silent = /(?:help|settings\/(?:[a-z]+-)*table|metrics|exposition|receiver-page)\.ts$/

const comment = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm
const literal = /`((?:[^`\\]|\\.)*)`|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/g
/** Texts of `--help`. */
const explanation = /\b(?:description|summary|usage|title):\s*(?:\S+ \? )?$/
const beginsSentence = /^(?:[A-Z"]|--|\$\{)/
const endsSentence = /[.:] ?(?:\\n.*)?$/
/** Interpolated parts of a sentence, and line ends. */
const variable = /\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}|\\n/
/** Punctuation between a sentence and its interpolated parts. */
const edges = /^[^\p{L}\p{N}-]+|[^\p{L}\p{N}".*]+$/gu
const leastWords = 3

export function errorMessages(): readonly ErrorMessage[] {
  const files = globSync(speaking, { cwd: root }).filter((file) => !silent.test(file))
  return files.flatMap((file) => messagesIn(file, readFileSync(`${root}${file}`, 'utf8')))
}

/** Code that logs a line of level `warn` or above. The first group is its text. */
const warnings = [
  /[lL]og\(\s*'(?:warn|error)',\s*'([^']+)'/g,
  /log\.(?:warn|error|fatal)\(\s*(?:\{[^{}]*\},\s*)?'([^']+)'/g,
  /fatal\(\{[^{}]*\}, '([^']+)'/g,
  /'([a-z]+\.[a-z]+)': 'warn'/g,
  /(?:failed|isRefused|#persist|#repeat)\('([^']+)'/g,
]
/** Errors that end `run`. These files belong to no command, so they have no other errors. */
const endings = /new Error\(\s*[`'](?!stopped)([^`']+)[`']/g
const ending = ['src/edge/kafka/table-source.ts', 'src/stages/recorder.ts']

/** Warnings and errors in the log of a processor, and the errors with which its process ends. */
export function warningTexts(): readonly string[] {
  const files = globSync('src/{commands,edge,stages}/**/*.ts', { cwd: root })
  const texts = files.flatMap((file) => {
    const code = readFileSync(`${root}${file}`, 'utf8').replaceAll(comment, '')
    const forms = ending.includes(file) ? [...warnings, endings] : warnings
    return forms.flatMap((form) => [...code.matchAll(form)].map(([, text = '']) => text))
  })
  return [...new Set(texts.flatMap((text) => longestPart(text)))]
}

function longestPart(text: string): string {
  return text
    .split(variable)
    .map((part) => part.replaceAll(edges, ''))
    .reduce((longest, part) => (part.length > longest.length ? part : longest), '')
}

function messagesIn(file: string, source: string): readonly ErrorMessage[] {
  const code = source.replaceAll(comment, '')
  return [...code.matchAll(literal)].flatMap(({ index, 1: template, 2: single, 3: double }) => {
    const text = template ?? single ?? double ?? ''
    if (!beginsSentence.test(text) || !endsSentence.test(text)) return []
    if (explanation.test(code.slice(Math.max(0, index - 80), index))) return []
    const words = text
      .split(variable)
      // The expression above does not follow a text within a text within a variable.
      .map((part) => part.replace(/\$\{.*/s, '').replaceAll(edges, ''))
      .reduce((longest, part) => (part.length > longest.length ? part : longest), '')
    return words.split(' ').length < leastWords ? [] : [{ file, words }]
  })
}
