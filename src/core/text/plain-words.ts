/**
 * Which parts of a text may be shown if the text could be a secret. Somebody may have put a value where the name of a
 * header or member belongs, and in the URLs of chat services the path is a password
 * (`hooks.slack.com/services/T…/B…/…`). Names are made of words; keys and tokens mix letters, digits and cases.
 */
import { hiddenMark } from './hidden-text.ts'

const maxLength = 40
const maxWords = 6
/** A word in lower case, maybe with a capital; an abbreviation such as `API`; a small number or version such as `v2`. */
const word = /^(?:[A-Za-z]?[a-z]{0,14}|[A-Z]{1,4}|v?\d{1,3})$/
const wordEnds = /[-_.]|(?<=[a-z])(?=[A-Z])/

/** Whether a text is one to six plain words, such as `X-Api-Key`, `previousSigningKeys` or `auth.events`. */
export function isPlainWords(text: string): boolean {
  if (text === '' || text.length > maxLength) return false
  const words = text.split(wordEnds)
  return words.length <= maxWords && words.every((one) => one !== '' && word.test(one))
}

/** A member's name for logs: empty if it is not plain words, as an e-mail address is not. */
export function shownName(name: string): string {
  return isPlainWords(name) ? name : ''
}

/**
 * The dotted path of a member. If its name may be a secret, its index stands in place of the name.
 *
 * @param path of the object that has the member; may be empty
 * @param place index of the member, from 0
 */
export function memberPath(path: string, name: string, place: number): string {
  if (!isPlainWords(name)) return `${path}[${place}]`
  return path === '' ? name : `${path}.${name}`
}

/** A path in which each part between slashes is hidden unless it is plain words. */
export function shownParts(text: string): string {
  return text
    .split('/')
    .map((part) => (part === '' || isPlainWords(part) ? part : hiddenMark))
    .join('/')
}
