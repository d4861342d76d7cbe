/**
 * The heads of HTTP/1.1 responses (RFC 9112 sections 4 to 6), line by line: whether one is informational, and whether
 * there is one way alone to read it. Stricter than llhttp where that guesses, and says why it refuses a head; no message
 * repeats anything of it.
 */

/** What the head is with the line just taken. */
export type HeadStep =
  | 'more'
  /** It is whole, and another one follows. */
  | 'informational'
  /** It is whole, and it is the answer's. */
  | 'final'
  /** It cannot be read; `fault` says why. */
  | 'faulty'

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\0\r]*)?\r$/
/** Section 5.6.2 of RFC 9110 for the name, section 5.5 for the value. */
const headerLine = /^[!#$%&'*+.^_`|~\dA-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r$/
/** What these two take, for the lines of an answer's head up to the empty one. */
const usualHead =
  /^HTTP\/1\.1 [2-9]\d\d(?: [^\0\r\n]*)?\r\n(?:[!#$%&'*+.^_`|~\dA-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/
const lengthName = 'content-length'
const codingName = 'transfer-encoding'
/**
 * Blanks may surround a value (section 5.6.3 of RFC 9110). A pattern for the blanks at its end alone would be tried at each
 * blank within it, and so take quadratic time.
 */
const lengthValue = /^[\t ]*(\d+)[\t ]*$/
/** `identity` is RFC 2616's word for none. */
const codingValue = /^[\t ]*(chunked|identity)[\t ]*$/i
const start = 'HTTP/'
const statusAt = 'HTTP/1.1 '.length
export const noStatusLine = 'the response does not begin with a status line of HTTP/1.1'
/** So many characters of a line show whether it can be a status line. */
export const longestStart = start.length + 1

export class ResponseHead {
  /** One sentence's worth, once a step was `faulty`. */
  fault = ''
  /** 0 until the status line was taken. */
  status = 0
  /** Whether blanks follow the digits of the Content-Length, which is legal. */
  isLengthPadded = false
  #isOldVersion = false
  #lengths = 0
  #length = Number.POSITIVE_INFINITY
  readonly #codings: string[] = []

  /** Of a `final` head: how many bytes the body has, where the head says so, else infinite. */
  get bodyBytes(): number {
    return this.status === 204 || this.status === 304 ? 0 : this.#length
  }

  /**
   * Whether a line that is not whole may be one of a head: other protocols, such as a TLS alert, need not send whole ones.
   * @param begun in Latin-1, at least its first {@link longestStart} characters
   */
  mayGoOn(begun: string): boolean {
    if (this.status !== 0) return true
    return start.startsWith(begun.replace(/^\r/, '').slice(0, start.length))
  }

  /**
   * @param line in Latin-1, with its carriage return and without its line feed
   * @returns nothing may be taken after anything but `more`
   */
  take(line: string): HeadStep {
    if (this.status === 0) return this.#takeStatus(line)
    if (line === '\r') return this.#finish()
    if (!headerLine.test(line)) return this.#refuse(faultOfHeader(line))
    this.#takeHeader(line)
    return 'more'
  }

  /**
   * Takes a head at once, for most come in one piece, and that is several times faster.
   *
   * @param text in Latin-1, what has come of a response
   * @returns the length of the head, which is `final`; 0 for any other, of which the lines are to be taken by another object
   */
  takeUsual(text: string): number {
    const length = usualHead.exec(text)?.[0].length
    if (length === undefined) return 0
    this.status = Number(text.slice(statusAt, statusAt + 3))
    let lineAt = text.indexOf('\n') + 1
    while (lineAt < length - 2) {
      const feedAt = text.indexOf('\n', lineAt)
      this.#takeHeader(text.slice(lineAt, feedAt))
      lineAt = feedAt + 1
    }
    return this.#finish() === 'final' ? length : 0
  }

  #takeHeader(line: string): void {
    // Most names are told apart by their length.
    const colon = line.indexOf(':')
    if (colon === lengthName.length) this.#takeLength(line, colon)
    else if (colon === codingName.length) this.#takeCoding(line, colon)
  }

  #takeStatus(line: string): HeadStep {
    // Not allowed, and common enough for parsers to pass over them.
    if (line === '\r' || line === '') return 'more'
    const parts = statusLine.exec(line)
    if (parts === null) return this.#refuse(faultOfStatus(line))
    this.#isOldVersion = parts[1] === '0'
    this.status = Number(parts[2])
    if (this.status !== 101) return 'more'
    return this.#refuse('the response switches protocols, which was not asked for')
  }

  /** Faults of a length are told at the end: it does not count in an informational head. */
  #takeLength(line: string, colon: number): void {
    if (line.slice(0, colon).toLowerCase() !== lengthName) return
    const value = line.slice(colon + 1, -1)
    const digits = lengthValue.exec(value)?.[1]
    this.#lengths += value.includes(',') ? 2 : 1
    this.#length = digits === undefined ? Number.NaN : Number(digits)
    this.isLengthPadded = /[\t ]$/.test(value)
  }

  #takeCoding(line: string, colon: number): void {
    if (line.slice(0, colon).toLowerCase() !== codingName) return
    const coding = codingValue.exec(line.slice(colon + 1, -1))?.[1]?.toLowerCase()
    this.#codings.push(coding ?? 'other')
  }

  #finish(): HeadStep {
    if (this.status < 200) return 'informational'
    const fault = this.#framingFault()
    return fault === undefined ? 'final' : this.#refuse(fault)
  }

  /** RFC 9112 section 6.3. A request without `TE` takes no transfer coding but chunked (RFC 9110 section 10.1.4). */
  #framingFault(): string | undefined {
    const [coding, ...further] = this.#codings
    if (coding !== undefined) {
      if (this.#lengths > 0) return 'the response has both Content-Length and Transfer-Encoding'
      if (this.#isOldVersion) return 'the response is of HTTP/1.0 and has a Transfer-Encoding'
      if (coding !== 'other' && further.length === 0) return undefined
      return 'the response has a Transfer-Encoding that is not chunked alone'
    }
    if (this.#lengths === 0) return undefined
    if (this.#lengths > 1) return 'the response has more than one Content-Length'
    if (Number.isNaN(this.#length)) return 'the Content-Length of the response is not a number'
    if (Number.isSafeInteger(this.#length)) return undefined
    return 'the Content-Length of the response is too large'
  }

  #refuse(fault: string): HeadStep {
    this.fault = fault
    return 'faulty'
  }
}

function faultOfStatus(line: string): string {
  if (!line.startsWith(start)) return noStatusLine
  if (!line.endsWith('\r')) return lineWithoutReturn
  if (!/^HTTP\/1\.[01] /.test(line))
    return 'the response is of a version of HTTP other than 1.1 and 1.0'
  if (!/^HTTP\/1\.[01] [1-9]\d\d[ \r]/.test(line)) {
    return 'the status of the response is not a number from 100 to 999'
  }
  return 'the reason phrase of the response has a character that is not allowed'
}

const lineWithoutReturn = 'a line of the response head ends without a carriage return'

function faultOfHeader(line: string): string {
  if (!line.endsWith('\r')) return lineWithoutReturn
  if (/^[\t ]/.test(line)) return 'a header of the response is folded over several lines'
  const colon = line.indexOf(':')
  if (colon === -1) return 'a line of the response head is no header'
  return headerLine.test(`${line.slice(0, colon)}:\r`)
    ? 'a header of the response has a character in its value that is not allowed'
    : 'a header of the response has a name that is not allowed'
}

/** A head of the same length, whose Content-Length has all of its blanks in front. */
export function lengthsUnpadded(head: string): string {
  return head.replace(
    /^(content-length:)[\t ]*(\d+)[\t ]*\r$/gim,
    (line, name: string, digits: string) =>
      name + digits.padStart(line.length - name.length - 1) + '\r',
  )
}
