/**
 * How work grows with what it is done on, found by comparing within one run. Times are of this machine at this moment and
 * stand in no assertion by themselves: of two sizes that are measured in turn, the larger is compared with the smaller. Of
 * each the quickest round counts: what disturbs makes a round longer, and nothing makes it shorter.
 */

export interface Work<Input> {
  /** Makes an input with `size` of what repeats; is not measured. */
  readonly make: (size: number) => Input
  readonly run: (input: Input) => unknown
  /** Where no larger input can be; else until it takes long enough to be measured. */
  readonly maxSize?: number
}

/** A size that takes less is doubled, or done several times: what disturbs would count for more than the work. */
const shortestMs = 0.5
/** What takes less at its largest size costs nobody anything. */
const negligibleMs = 0.25
const defaultMaxSize = 100_000
const rounds = 4
const tries = 4
const factor = 16
/**
 * Sixteen times as much takes sixteen times as long where it grows with its size, and 256 times where with its square. Up
 * to three times the former was seen of what is linear: memory that is farther away, and the collector of garbage.
 */
const tolerated = 80

/**
 * Whether work on sixteen times as much takes less than eighty times as long. It must say no in several tries: caches and
 * the collector of garbage take their time of one size and not of the other.
 */
export async function growsWithSize<Input>(work: Work<Input>): Promise<boolean> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    if ((await growthOf(work)) < tolerated) return true
  }
  return false
}

async function growthOf<Input>(work: Work<Input>): Promise<number> {
  const { make, run, maxSize = defaultMaxSize } = work
  let size = Math.min(64, Math.floor(maxSize / factor))
  while (size * 2 * factor <= maxSize && (await warmTimeOf(run, make(size))) < shortestMs) size *= 2
  const [few, many] = [make(size), make(size * factor)]
  const times = Math.ceil(Math.min(100, shortestMs / (await warmTimeOf(run, few))))
  let [small, large] = [Infinity, Infinity]
  for (let round = 0; round < rounds; round += 1) {
    // Both for as long, where it is linear: a busy machine interrupts what takes longer more often.
    small = Math.min(small, await timeOf(run, few, times * factor))
    large = Math.min(large, await timeOf(run, many, times))
  }
  const isLargest = size * 2 * factor > maxSize
  return isLargest && large < negligibleMs ? 0 : large / small
}

/** Of code that the platform has compiled: its first runs take many times as long. */
async function warmTimeOf<Input>(run: Work<Input>['run'], input: Input): Promise<number> {
  let best = Infinity
  for (let time = 0; time < 5; time += 1) best = Math.min(best, await timeOf(run, input, 1))
  return best
}

/** Milliseconds of one run. */
async function timeOf<Input>(
  run: Work<Input>['run'],
  input: Input,
  times: number,
): Promise<number> {
  const before = performance.now()
  for (let time = 0; time < times; time += 1) {
    const ran = run(input)
    if (ran instanceof Promise) await ran
  }
  return (performance.now() - before) / times
}

/** What repeats, and the work on it. */
export type Case = readonly [name: string, check: () => Promise<boolean>]

export function growth<Input>(
  name: string,
  make: Work<Input>['make'],
  run: Work<Input>['run'],
  maxSize?: number,
): Case {
  const work = maxSize === undefined ? { make, run } : { make, run, maxSize }
  return [name, () => growsWithSize(work)]
}

export const times = <Item>(size: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: size }, (_, index) => item(index))
export const text = (size: number, item: (index: number) => string, separator = '') =>
  times(size, item).join(separator)
/** An event with these members before its own. */
export const payload = (members: string) =>
  Buffer.from(`{${members},"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}`)
