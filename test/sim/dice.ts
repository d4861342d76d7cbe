/** Random numbers from a seed. The same seed gives the same numbers on every machine. */
import type { Random } from '../../src/ports.ts'

export interface Dice {
  /** Uniform in [0, 1). */
  readonly float: Random
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number
  /** A number from `least` to `most`. */
  between(least: number, most: number): number
  chance(probability: number): boolean
  /** @throws RangeError when there is nothing to pick from */
  pick<Item>(items: readonly Item[]): Item
  /** Independent dice. Their use does not change the numbers of these. */
  fork(label: string): Dice
}

export function createDice(seed: string): Dice {
  const float = sfc32(seed)
  const between = (least: number, most: number) => least + float() * (most - least)
  const int = (least: number, most: number) => least + Math.floor(float() * (most - least + 1))
  return {
    float,
    int,
    between,
    chance: (probability) => float() < probability,
    pick<Item>(items: readonly Item[]): Item {
      const item = items[int(0, items.length - 1)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
    fork: (label) => createDice(`${seed}/${label}`),
  }
}

/** Small Fast Counter by Chris Doty-Humphrey. It passes the tests of PractRand with 128 bits of state. */
function sfc32(seed: string): Random {
  let [a, b, c, counter] = stateOf(seed)
  const next = () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let round = 0; round < 12; round += 1) next()
  return next
}

/** FNV-1a over the text, four times with different beginnings. */
function stateOf(seed: string): [number, number, number, number] {
  const hash = (basis: number) => {
    let value = basis
    for (let index = 0; index < seed.length; index += 1) {
      value = Math.imul(value ^ seed.charCodeAt(index), 0x01000193)
    }
    return value | 0
  }
  return [hash(0x811c9dc5), hash(0x1b873593), hash(0x2545f491), 1]
}
