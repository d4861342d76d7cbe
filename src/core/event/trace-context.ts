/**
 * Checks a trace context before it is passed on (W3C Trace Context, https://www.w3.org/TR/trace-context/). It comes from
 * producers, from clients of `ingest`, and from tracing SDKs. A part that is not valid is left out: the event counts without
 * it.
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
  return textOf(bounded(distinct))
}

/**
 * The list with a new or changed member, which stands first (section 3.5). If it gets too long, others are left out as by
 * {@link validTracestate}. It stays as it is if the member is not valid.
 *
 * @param text valid; `undefined` for an empty list
 */
export function tracestateWith(
  text: string | undefined,
  key: string,
  value: string,
): string | undefined {
  const member = `${key}=${value}`
  if (!isMember(member) || keyOf(member) !== key) return text
  const others = membersOf(text).filter((one) => keyOf(one) !== key)
  return textOf(bounded([member, ...others].slice(0, maxMembers)))
}

/** The list without a member. @param text valid; `undefined` for an empty list */
export function tracestateWithout(text: string | undefined, key: string): string | undefined {
  return textOf(membersOf(text).filter((member) => keyOf(member) !== key))
}

/** The value of a member; `undefined` if there is none. @param text valid; `undefined` for an empty list */
export function tracestateValue(text: string | undefined, key: string): string | undefined {
  const member = membersOf(text).find((one) => keyOf(one) === key)
  return member?.slice(key.length + 1)
}

function membersOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(',')
}

function textOf(members: readonly string[]): string | undefined {
  return members.length === 0 ? undefined : members.join(',')
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
