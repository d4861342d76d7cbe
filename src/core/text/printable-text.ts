/**
 * Text as it may leave the process. What is printed comes from events, hooks, endpoints, brokers and arguments, and some of
 * its characters would move a terminal's cursor, hide text, or turn the order of what is read around it.
 *
 * Escaped are, as `\uXXXX` for each UTF-16 code unit:
 * - control characters: C0, DEL and C1 (general category Cc). U+009B alone begins a terminal's control sequence (ECMA-48).
 * - format characters (Cf): bidirectional controls (UAX #9) such as U+202E, zero-width ones, U+FEFF, tags.
 * - line and paragraph separators (Zl, Zp), and surrogates without their other half (Cs).
 *
 * The escapes are those of JSON (RFC 8259 section 7): within JSON text they change how it is written, not what it means.
 */

const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
/** The same without C0: JSON has none of it within its strings, and around them as white space. */
const unsafeInJson = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text of one line: line feeds and tabs are escaped too. What was escaped already stays as it is. */
export function printable(text: string): string {
  return text.replace(unsafe, escaped)
}

/** JSON text, whose white space between values stays. It stays valid, and means the same. */
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
