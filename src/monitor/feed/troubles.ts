/**
 * Why topics are not read. A feed that fails says so itself, but it is patient: it tries again for a minute before. A look
 * at the cluster finds sooner what the feed will say, and what it would never say.
 */
export class Troubles {
  readonly #said = new Map<string, string>()
  readonly #found = new Map<string, string>()
  readonly #noted = new Map<string, string>()
  readonly #note: (line: string) => void
  /** Why no topic can be read; `undefined` when brokers answer. */
  cluster: string | undefined

  /** @param note takes a line for people whenever something has changed */
  constructor(note: (line: string) => void) {
    this.#note = note
  }

  /** `undefined` when it is read, as far as is known. */
  of(topic: string): string | undefined {
    // It explains what the feeds say, which may be older.
    return this.cluster ?? this.#own(topic)
  }

  /** Whether a look at the cluster could not tell how much of the topic there is. */
  isHidden(topic: string): boolean {
    return this.cluster !== undefined || this.#found.has(topic)
  }

  /** What a feed says of its topic. @returns whether that is new */
  say(topic: string, reason: string | undefined): boolean {
    // It has just tried.
    const wasFound = this.#found.delete(topic)
    const isNew = this.#set(this.#said, topic, reason)
    if (wasFound) this.#tell(topic)
    return isNew || wasFound
  }

  /** What a look at the cluster found out about a topic. @returns whether that is new */
  find(topic: string, reason: string | undefined): boolean {
    return this.#set(this.#found, topic, reason)
  }

  #own(topic: string): string | undefined {
    return this.#said.get(topic) ?? this.#found.get(topic)
  }

  #set(reasons: Map<string, string>, topic: string, reason: string | undefined): boolean {
    if (reasons.get(topic) === reason) return false
    if (reason === undefined) reasons.delete(topic)
    else reasons.set(topic, reason)
    this.#tell(topic)
    return true
  }

  #tell(topic: string): void {
    const reason = this.#own(topic)
    if (reason === this.#noted.get(topic)) return
    if (reason === undefined) this.#noted.delete(topic)
    else this.#noted.set(topic, reason)
    this.#note(reason === undefined ? `${topic} is read again` : `${topic} is not read: ${reason}`)
  }
}
