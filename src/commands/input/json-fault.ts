/**
 * Finds the first place at which a text is not JSON. The message of `JSON.parse` does not always name the place, and it
 * quotes the text, which may hold signing keys.
 */

export interface JsonFault {
  /** Line and column count from 1, as editors do. */
  readonly line: number
  readonly column: number
  /** What is wrong there, such as `a comma or "}" is missing`. */
  readonly message: string
}

/** The first fault of `text`; `undefined` if it is JSON. */
export function jsonFaultOf(text: string): JsonFault | undefined {
  const scan = new Scan(text)
  const message = scan.fault()
  if (message === undefined) return undefined
  const before = text.slice(0, scan.at)
  const line = before.split('\n').length
  return { line, column: scan.at - before.lastIndexOf('\n'), message }
}

/** The fault as the end of a sentence. @param firstLine line of the file on which the text begins, from 1 */
export function faultText({ line, column, message }: JsonFault, firstLine = 1): string {
  return `line ${line + firstLine - 1}, column ${column}: ${message}`
}

/** What may come next. `first-…` is the state after an opening bracket, which may close at once. */
type State = 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'next' | 'end'

const ended = 'the text ends too early'
const wordForm = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const escapeForm = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

/** Scans a text up to the first fault; `at` is its place then. */
class Scan {
  at = 0
  readonly #text: string
  /** The closing brackets of the open ones. */
  readonly #open: ('}' | ']')[] = []
  #state: State = 'value'

  constructor(text: string) {
    this.#text = text
  }

  fault(): string | undefined {
    for (;;) {
      while (/[ \t\n\r]/.test(this.#char())) this.at += 1
      if (this.at === this.#text.length) return this.#state === 'end' ? undefined : ended
      const fault = this.#step()
      if (fault !== undefined) return fault
    }
  }

  #char(): string {
    return this.#text.charAt(this.at)
  }

  #step(): string | undefined {
    const char = this.#char()
    switch (this.#state) {
      case 'first-value':
        return char === ']' ? this.#close() : this.#value(char)
      case 'value':
        return this.#value(char)
      case 'first-key':
        return char === '}' ? this.#close() : this.#key(char)
      case 'key':
        return this.#key(char)
      case 'colon':
        if (char !== ':') return 'a colon is missing'
        return this.#take('value')
      case 'next':
        return this.#next(char)
      case 'end':
        return 'there is more text after the value'
    }
  }

  #take(next: State): undefined {
    this.at += 1
    this.#state = next
  }

  #close(): undefined {
    this.#open.pop()
    this.at += 1
    this.#afterValue()
  }

  #afterValue(): undefined {
    this.#state = this.#open.length === 0 ? 'end' : 'next'
  }

  #next(char: string): string | undefined {
    const closing = this.#open.at(-1)
    if (char === closing) return this.#close()
    if (char !== ',') return `a comma or "${closing}" is missing`
    return this.#take(closing === '}' ? 'key' : 'value')
  }

  #key(char: string): string | undefined {
    if (char !== '"') return 'a name in double quotes is missing'
    const fault = this.#string()
    if (fault === undefined) this.#state = 'colon'
    return fault
  }

  #value(char: string): string | undefined {
    if (char === '{' || char === '[') {
      this.#open.push(char === '{' ? '}' : ']')
      return this.#take(char === '{' ? 'first-key' : 'first-value')
    }
    if (char === '"') {
      const fault = this.#string()
      if (fault === undefined) this.#afterValue()
      return fault
    }
    wordForm.lastIndex = this.at
    const word = wordForm.exec(this.#text)?.[0]
    if (word === undefined) return 'a value is missing: text must be in double quotes'
    this.at += word.length
    return this.#afterValue()
  }

  #string(): string | undefined {
    const start = this.at
    this.at += 1
    while (this.at < this.#text.length) {
      const char = this.#char()
      if (char === '"') {
        this.at += 1
        return undefined
      }
      if (char < ' ') return 'a control character or line break in a text must be escaped'
      if (char === '\\') {
        escapeForm.lastIndex = this.at
        const escape = escapeForm.exec(this.#text)?.[0]
        if (escape === undefined) return 'this backslash begins no escape: write it twice'
        this.at += escape.length
      } else this.at += 1
    }
    this.at = start
    return 'the text that begins here has no closing quote'
  }
}
