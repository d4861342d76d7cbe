/** What is wrong with one hook: a few problems, whatever the record holds, so that they cost no more than its bytes. */
import type { FieldProblem } from '../model/model.ts'

/** Told of one record, the line that says how many more there are among them. */
const maxProblems = 20
/** Characters of a field's path. Names come from outside, and twenty of them must fit into a log line of 16 KiB. */
const maxFieldLength = 80

/** What a problem's field is called where the hook was written; `undefined` leaves the problem out. */
export type FieldNaming = (field: string) => string | undefined

export class HookProblems {
  readonly #kept: FieldProblem[]
  readonly #nameOf: FieldNaming
  #count: number

  /** @param found what is known to be wrong already */
  constructor(nameOf: FieldNaming = (field) => field, found: readonly FieldProblem[] = []) {
    this.#nameOf = nameOf
    this.#kept = found.slice(0, maxProblems)
    this.#count = found.length
  }

  /** Further ones than are told are only counted: no text is made of them. */
  get isFull(): boolean {
    return this.#kept.length >= maxProblems
  }

  get count(): number {
    return this.#count
  }

  /** @param pathOf gives the dotted path; asked only where the problem is kept */
  report(pathOf: () => string, message: string): void {
    const field = this.isFull ? '' : this.#nameOf(pathOf())
    if (field === undefined) return
    this.#count += 1
    if (!this.isFull) this.#kept.push({ field: shortened(field), message })
  }

  list(): readonly FieldProblem[] {
    if (this.#count <= maxProblems) return this.#kept
    const told = this.#kept.slice(0, maxProblems - 1)
    return [...told, { field: '', message: `and ${this.#count - told.length} problems more` }]
  }
}

/** The same bound for problems that were found elsewhere. */
export function fewProblems(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  const few = new HookProblems()
  for (const { field, message } of problems) few.report(() => field, message)
  return few.list()
}

/** A copy: a part of a text keeps the whole of it in memory. */
function shortened(field: string): string {
  if (field.length <= maxFieldLength) return field
  return `${Buffer.from(field.slice(0, maxFieldLength - 1)).toString()}…`
}
