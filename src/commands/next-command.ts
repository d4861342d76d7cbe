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
 * @param options by name, without dashes; `true` for one without a value
 */
export function nextCommand(
  name: string,
  options: Readonly<Record<string, string | true>>,
  operand?: string,
): string {
  const given = Object.entries(options).map(([option, value]) => {
    if (value === true) return `--${option}`
    return `--${option}${value.startsWith('-') ? '=' : ' '}${shellWord(value)}`
  })
  const last =
    operand === undefined ? [] : [operand.startsWith('-') ? '--' : [], shellWord(operand)]
  return ['hooktide', name, ...given, ...last.flat()].join(' ')
}
