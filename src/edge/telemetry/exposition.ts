/**
 * Metrics of our own in Prometheus text format 0.0.4: counters and histograms that cost a delivery next to nothing.
 * prom-client, which gives the metrics of Node, hashes labels on every count: with it, what a delivery counts took
 * 1.6 µs of CPU; here it takes 0.1.
 */
import { printable } from '../../core/text/printable-text.ts'

/** What one series counts. */
interface Series {
  /** @param labels such as `class="ok"`; may be empty */
  lines(name: string, labels: string): string
}

export class Count implements Series {
  #count = 0

  add(by = 1): void {
    this.#count += by
  }

  lines(name: string, labels: string): string {
    return line(name, labels, this.#count)
  }
}

/** A histogram. */
export class Distribution implements Series {
  readonly #bounds: readonly number[]
  /** Observations up to each bound and above the one before it; the last entry is those above all bounds. */
  readonly #counts: number[]
  #sum = 0

  /** @param bounds ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    let index = 0
    while (value > (this.#bounds[index] ?? Infinity)) index += 1
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#sum += value
  }

  lines(name: string, labels: string): string {
    const separator = labels === '' ? '' : ','
    let text = ''
    let count = 0
    for (const [index, own] of this.#counts.entries()) {
      count += own
      const bound = this.#bounds[index] ?? '+Inf'
      text += line(`${name}_bucket`, `${labels}${separator}le="${bound}"`, count)
    }
    return text + line(`${name}_sum`, labels, this.#sum) + line(`${name}_count`, labels, count)
  }
}

export interface Definition {
  readonly name: string
  /** One line, without backslashes. */
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
}

/** A metric with one label. */
export class Family<Value extends string, One extends Series> {
  readonly #definition: Definition
  readonly #label: string
  readonly #create: () => One
  readonly #series = new Map<Value, One>()

  /** @param values those that are there from the start */
  constructor(
    definition: Definition,
    {
      label,
      values,
      create,
    }: {
      readonly label: string
      readonly values: readonly Value[]
      readonly create: () => One
    },
  ) {
    this.#definition = definition
    this.#label = label
    this.#create = create
    for (const value of values) this.of(value)
  }

  of(value: Value): One {
    let series = this.#series.get(value)
    if (series === undefined) {
      series = this.#create()
      this.#series.set(value, series)
    }
    return series
  }

  text(): string {
    let text = head(this.#definition)
    for (const [value, series] of this.#series) {
      text += series.lines(this.#definition.name, `${this.#label}="${escaped(value)}"`)
    }
    return text
  }
}

/** A metric without labels. */
export class Single<One extends Series> {
  readonly #definition: Definition
  readonly series: One

  constructor(definition: Definition, series: One) {
    this.#definition = definition
    this.series = series
  }

  text(): string {
    return head(this.#definition) + this.series.lines(this.#definition.name, '')
  }
}

/** A gauge that is read when it is asked for: one value, or one by each value of a label. */
export function gauge(
  definition: Omit<Definition, 'type'>,
  value: number | { readonly label: string; readonly values: ReadonlyMap<string, number> },
): string {
  const { name } = definition
  let text = head({ ...definition, type: 'gauge' })
  if (typeof value === 'number') return text + line(name, '', value)
  for (const [of, number] of value.values) {
    text += line(name, `${value.label}="${escaped(of)}"`, number)
  }
  return text
}

function head({ name, help, type }: Definition): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`
}

/** As the text format has it, which knows no escapes but these three. */
function escaped(value: string): string {
  return value
    .split('\n')
    .map((line) => printable(line).replaceAll('\\', '\\\\').replaceAll('"', '\\"'))
    .join('\\n')
}
