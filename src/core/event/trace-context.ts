/**
 * Checks a trace context before it is passed on (W3C Trace Context, https://www.w3.org/TR/trace-context/). It comes from
 * producers and from clients of `ingest`. A part that is not valid is left out: the event counts without it.
 */

/** Section 3.2: version, trace id, parent id, flags. Later versions may add fields at the end. */
const traceparentForm =
  /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[\x21-\x7e]*)?$/

const maxTraceparentLength = 256

/** @param text value of the header, one character per byte */
export function validTraceparent(text: string): string | undefined {
  if (text.length > maxTraceparentLength || !traceparentForm.test(text)) return undefined
  return text.startsWith('00') && text.length > 55 ? undefined : text
}

/** What a header may have. Without it, a value from Kafka could end the header of a call. */
const headerForm = /^[\t\x20-\x7e]*$/
/** Section 3.3.1.3.1, in the wider form of Level 2: the name of a tracing system, or of a tenant of one. */
const keyForm = /^[a-z\d][a-z\d_\-*/@]{0,255}$/
/** Section 3.3.1.3.2: printable characters except the comma and the equals sign, with no space at the end. */
const valueForm = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/** Section 3.3.1.1. */
const maxMembers = 32
/** Section 3.3.1.5: this much is passed on. If there is more, long members are left out first, then the last ones. */
const maxLength = 512
const longMember = 128
/** Longer texts are not parsed. */
const maxParsedLength = 16_384

/**
 * The members as a list without spaces and empty members. Of several with one key, the first and newest is kept. `undefined`
 * if any member is not valid, as the W3C asks, or if there is none.
 *
 * @param text values of all headers with this name, joined by commas, one character per byte
 */
export function validTracestate(text: string): string | undefined {
  if (text.length > maxParsedLength || !headerForm.test(text)) return undefined
  const members = text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
  if (members.length > maxMembers || !members.every(isMember)) return undefined
  const distinct = members.filter(
    (member, place) => members.findIndex((one) => keyOf(one) === keyOf(member)) === place,
  )
  const kept = bounded(distinct)
  return kept.length === 0 ? undefined : kept.join(',')
}

function keyOf(member: string): string {
  return member.slice(0, Math.max(0, member.indexOf('=')))
}

function isMember(member: string): boolean {
  const key = keyOf(member)
  return keyForm.test(key) && valueForm.test(member.slice(key.length + 1))
}

function bounded(members: readonly string[]): readonly string[] {
  if (lengthOf(members) <= maxLength) return members
  const kept = members.filter(({ length }) => length <= longMember)
  while (lengthOf(kept) > maxLength) kept.pop()
  return kept
}

function lengthOf(members: readonly string[]): number {
  return members.join(',').length
}
