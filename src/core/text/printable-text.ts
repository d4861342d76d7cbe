/**
 * Escapes characters that must not be printed. Text in output comes from events, hooks, endpoints, brokers and arguments.
 * Some characters would move a terminal's cursor, hide text, or change the order of the text around them.
 *
 * These are escaped, as `\uXXXX` for each UTF-16 code unit:
 * - control characters: C0, DEL and C1 (general category Cc). U+009B begins a control sequence of terminals (ECMA-48).
 * - format characters (Cf): bidirectional controls (UAX #9) such as U+202E, zero-width ones, U+FEFF, tags.
 * - line and paragraph separators (Zl, Zp), and surrogates without their other half (Cs).
 *
 * The escapes are those of JSON (RFC 8259, section 7), so JSON text keeps its meaning.
 */

const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
/** The same without C0. JSON has such characters only as white space between values. */
const unsafeInJson = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text for one line: line feeds and tabs are escaped too. Escapes that are in the text stay as they are. */
export function printable(text: string): string {
  return text.replace(unsafe, escaped)
}

/** JSON text with the same meaning. White space between values is kept. */
export function printableJson(text: string): string {
  return text.replace(unsafeInJson, escaped)
}

function escaped(character: string): string {
  let text = ''
  for (let index = 0; index < character.length; index += 1) {
    text += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  }
  return text
}
