/** Command lines that are printed for people to copy into a shell. */

/** Quotes one word for a shell: ids may hold characters that a shell interprets. */
export function shellWord(text: string): string {
  return /^[\w.,:@/=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * A whole command line. Ids may begin with a dash: as the value of an option they stand behind `=`, and as an operand behind
 * `--`, or they would be read as options.
 *
 * @param name such as `hooks get`
 * @param options by name, without dashes; `true` for one without a value, an array for one that takes several
 */
export function nextCommand(
  name: string,
  options: Readonly<Record<string, string | true | readonly string[]>>,
  operand?: string,
): string {
  const given = Object.entries(options).flatMap(([option, value]) => {
    if (value === true) return [`--${option}`]
    const words = typeof value === 'string' ? [value] : wordsOf(value)
    return words.map((word) => `--${option}${word.startsWith('-') ? '=' : ' '}${shellWord(word)}`)
  })
  const last =
    operand === undefined ? [] : [operand.startsWith('-') ? '--' : [], shellWord(operand)]
  return ['hooktide', name, ...given, ...last.flat()].join(' ')
}

/**
 * Values as `listValues` reads them. Behind a backslash a comma separates nothing, so a value that ends with one is the last.
 */
function wordsOf(values: readonly string[]): readonly string[] {
  const words: string[] = []
  for (const value of values.map((one) => one.replaceAll(',', '\\,'))) {
    const last = words.at(-1)
    if (last === undefined || last.endsWith('\\')) words.push(value)
    else words[words.length - 1] = `${last},${value}`
  }
  return words
}
