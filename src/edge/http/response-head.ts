/**
 * Parses the heads of HTTP/1.1 responses (RFC 9112 sections 4 to 6) line by line. It decides whether a head is
 * informational, and whether it can be read in one way only. It is stricter than llhttp where that guesses. Its messages
 * say why a head is refused, and repeat nothing of it.
 */

/** The head after the newest line. */
export type HeadStep =
  | 'more'
  /** The head is whole, and another one follows. */
  | 'informational'
  /** The head is whole, and it is the one of the answer. */
  | 'final'
  /** The head cannot be read; `fault` has the reason. */
  | 'faulty'

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\0\r]*)?\r$/
/** Section 5.6.2 of RFC 9110 for the name, section 5.5 for the value. */
const headerLine = /^[!#$%&'*+.^_`|~\dA-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r$/
/** A whole head of an answer, by the same two patterns. */
const usualHead =
  /^HTTP\/1\.1 [2-9]\d\d(?: [^\0\r\n]*)?\r\n(?:[!#$%&'*+.^_`|~\dA-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/
const lengthName = 'content-length'
const codingName = 'transfer-encoding'
/**
 * Blanks may surround a value (section 5.6.3 of RFC 9110). The pattern is anchored at both ends: one for the blanks at
 * the end only would be tried at each blank within the value, which takes quadratic time.
 */
const lengthValue = /^[\t ]*(\d+)[\t ]*$/
/** `identity` means no coding in RFC 2616. */
const codingValue = /^[\t ]*(chunked|identity)[\t ]*$/i
const start = 'HTTP/'
const statusAt = 'HTTP/1.1 '.length
export const noStatusLine = 'the response does not begin with a status line of HTTP/1.1'
/** How many characters of a line show whether it can be a status line. */
export const longestStart = start.length + 1

export class ResponseHead {
  /** Why the head cannot be read, after a step was `faulty`. */
  fault = ''
  /** 0 before the status line. */
  status = 0
  /** Whether blanks follow the digits of the Content-Length. That is legal. */
  isLengthPadded = false
  #isOldVersion = false
  #lengths = 0
  #length = Number.POSITIVE_INFINITY
  readonly #codings: string[] = []

  /** The length of the body that a `final` head gives; infinite when it gives none. */
  get bodyBytes(): number {
    return this.status === 204 || this.status === 304 ? 0 : this.#length
  }

  /**
   * Whether an incomplete line can belong to a head. Other protocols may never send a line break, such as with a TLS alert.
   *
   * @param begun its beginning in Latin-1, at least {@link longestStart} characters if there are so many
   */
  mayGoOn(begun: string): boolean {
    if (this.status !== 0) return true
    return start.startsWith(begun.replace(/^\r/, '').slice(0, start.length))
  }

  /**
   * @param line in Latin-1, with its carriage return and without its line feed
   * @returns after anything but `more`, nothing may be taken any more
   */
  take(line: string): HeadStep {
    if (this.status === 0) return this.#takeStatus(line)
    if (line === '\r') return this.#finish()
    if (!headerLine.test(line)) return this.#refuse(faultOfHeader(line))
    this.#takeHeader(line)
    return 'more'
  }

  /**
   * Takes a whole head at once. Most heads come in one piece, and this is several times faster than line by line.
   *
   * @param text the beginning of a response, in Latin-1
   * @returns the length of the head if it is `final`. Otherwise 0: then another `ResponseHead` has to take it line by line
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
    // The length of a name rules out most headers.
    const colon = line.indexOf(':')
    if (colon === lengthName.length) this.#takeLength(line, colon)
    else if (colon === codingName.length) this.#takeCoding(line, colon)
  }

  #takeStatus(line: string): HeadStep {
    // Empty lines are not allowed here, but so common that parsers skip them.
    if (line === '\r' || line === '') return 'more'
    const parts = statusLine.exec(line)
    if (parts === null) return this.#refuse(faultOfStatus(line))
    this.#isOldVersion = parts[1] === '0'
    this.status = Number(parts[2])
    if (this.status !== 101) return 'more'
    return this.#refuse('the response switches protocols, which was not asked for')
  }

  /** Faults of a length are reported at the end of the head, because lengths do not count in an informational one. */
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

  /** RFC 9112 section 6.3. A request without `TE` allows no transfer coding but chunked (RFC 9110 section 10.1.4). */
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

/** A head of the same length, with all blanks of its Content-Length before the digits. */
export function lengthsUnpadded(head: string): string {
  return head.replace(
    /^(content-length:)[\t ]*(\d+)[\t ]*\r$/gim,
    (line, name: string, digits: string) =>
      name + digits.padStart(line.length - name.length - 1) + '\r',
  )
}
