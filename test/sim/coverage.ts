/** Which offsets a commit covers. This file reads the text itself, without the product's own reader. */

export interface Coverage {
  /** All offsets below it are covered. */
  readonly base: number
  /** Further covered offsets, from (inclusive) to (exclusive), ascending. */
  readonly ranges: readonly (readonly [from: number, to: number])[]
}

export const nothingCovered: Coverage = { base: 0, ranges: [] }

/** @throws RangeError when the text does not have the form of commit metadata */
export function coverageOf(offset: number, metadata: string): Coverage {
  if (metadata === '') return { base: offset, ranges: [] }
  const content = /^hooktide1:[\w-]{11}([\w-]+)$/.exec(metadata)?.[1]
  if (content === undefined) throw new RangeError(`commit metadata of unknown form: ${metadata}`)
  const lengths: number[] = []
  let [value, shift] = [0, 0]
  for (const byte of Buffer.from(content, 'base64url')) {
    value += (byte & 0x7f) * 2 ** shift
    shift += 7
    if ((byte & 0x80) !== 0) continue
    lengths.push(value)
    value = 0
    shift = 0
  }
  if (shift !== 0 || lengths.length % 2 !== 0) {
    throw new RangeError(`commit metadata that ends too soon: ${metadata}`)
  }
  const ranges: (readonly [number, number])[] = []
  let position = offset
  for (let index = 0; index < lengths.length; index += 2) {
    const from = position + (lengths[index] ?? 0)
    position = from + (lengths[index + 1] ?? 0)
    ranges.push([from, position])
  }
  return { base: offset, ranges }
}

export function covers({ base, ranges }: Coverage, offset: number): boolean {
  return offset < base || ranges.some(([from, to]) => from <= offset && offset < to)
}

/** The offsets of it at and above `from`. */
export function* coveredFrom({ base, ranges }: Coverage, from: number): Generator<number> {
  for (let offset = from; offset < base; offset += 1) yield offset
  for (const [begin, end] of ranges) {
    for (let offset = Math.max(begin, from); offset < end; offset += 1) yield offset
  }
}
