/**
 * What may be shown of text that could be a secret: names of headers and members that somebody may have filled with their
 * values, and paths of URLs, which are passwords where a service of chat makes them (`hooks.slack.com/services/T…/B…/…`).
 * Keys and tokens mix letters, digits and cases; what people call things is made of words.
 */
import { hiddenMark } from './hidden-text.ts'

const maxLength = 40
const maxWords = 6
/** One in small letters, with a capital or not; an abbreviation such as `API`; a small number or version such as `v2`. */
const word = /^(?:[A-Za-z]?[a-z]{0,14}|[A-Z]{1,4}|v?\d{1,3})$/
const wordEnds = /[-_.]|(?<=[a-z])(?=[A-Z])/

/** Whether text is a few plain words, such as `X-Api-Key`, `previousSigningKeys` or `auth.events`. Not empty. */
export function isPlainWords(text: string): boolean {
  if (text === '' || text.length > maxLength) return false
  const words = text.split(wordEnds)
  return words.length <= maxWords && words.every((one) => one !== '' && word.test(one))
}

/** A member's name as logs may have it: empty where it is no plain words, such as somebody's address. */
export function shownName(name: string): string {
  return isPlainWords(name) ? name : ''
}

/** Dotted path of a member: by its place, from 0, where its name may be a secret. @param path of what it is in; may be empty */
export function memberPath(path: string, name: string, place: number): string {
  if (!isPlainWords(name)) return `${path}[${place}]`
  return path === '' ? name : `${path}.${name}`
}

/** A path, or any text, in which what stands between slashes is hidden where it is no plain words. */
export function shownParts(text: string): string {
  return text
    .split('/')
    .map((part) => (part === '' || isPlainWords(part) ? part : hiddenMark))
    .join('/')
}
