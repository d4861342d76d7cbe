/**
 * Measures how the time of some work grows with the size of its input. Times depend on the machine and the moment, so no
 * test asserts one. Two sizes are measured in turn, and the larger is compared with the smaller. The quickest round of each
 * counts, because disturbances make a round longer and never shorter.
 */

export interface Work<Input> {
  /** Creates an input with `size` repetitions. This is not measured. */
  readonly make: (size: number) => Input
  readonly run: (input: Input) => unknown
  /** The largest possible size. Default: sizes are increased until the work takes long enough to be measured. */
  readonly maxSize?: number
}

/**
 * If a size takes less time than this, it is doubled, or measured several times. Otherwise disturbances outweigh the work.
 */
const shortestMs = 0.5
/** Work that takes less time than this at its largest size is never a problem. */
const negligibleMs = 0.25
const defaultMaxSize = 100_000
const rounds = 4
const tries = 4
const factor = 16
/**
 * If the input is sixteen times as large, linear work takes sixteen times as long, and quadratic work 256 times. For linear
 * work up to 48 times was measured, because of caches and garbage collection.
 */
const tolerated = 80

/**
 * Whether work on an input that is sixteen times as large takes less than eighty times as long. It is false only if several
 * tries fail, because caches and garbage collection may disturb one size and not the other.
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
    // Linear work takes equally long for both this way. A busy machine would interrupt the longer one more often.
    small = Math.min(small, await timeOf(run, few, times * factor))
    large = Math.min(large, await timeOf(run, many, times))
  }
  const isLargest = size * 2 * factor > maxSize
  return isLargest && large < negligibleMs ? 0 : large / small
}

/** Runs the code until it is compiled, because its first runs take many times as long. */
async function warmTimeOf<Input>(run: Work<Input>['run'], input: Input): Promise<number> {
  let best = Infinity
  for (let time = 0; time < 5; time += 1) best = Math.min(best, await timeOf(run, input, 1))
  return best
}

/** The time of one run in milliseconds. */
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

/** The input, and the work on it. */
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
