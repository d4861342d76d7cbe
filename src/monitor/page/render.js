/**
 * Templates. Every value in them becomes text or an attribute, never markup. A line break counts as a space, as it does in
 * HTML: htm alone would join the words around it.
 */
import { h } from 'preact'
import htm from 'htm'

const build = htm.bind(h)
/** By template, so that each is read once. */
const onOneLine = new WeakMap()

/**
 * @param {TemplateStringsArray} strings
 * @param {...any} values
 */
export function html(strings, ...values) {
  const known = onOneLine.get(strings)
  if (known !== undefined) return build(known, ...values)
  const lines = strings.map((text) => text.replaceAll(/\s*\n\s*/g, ' '))
  onOneLine.set(strings, lines)
  return build(/** @type {any} */ (lines), ...values)
}
