import { describe, expect, it } from 'vitest'
import { drawPlan, faultKinds, type Plan, type PlannedFault } from './plan.ts'
import { asksForHelp, commandOf, helpText, readOptions } from './options.ts'

const seeds = Array.from({ length: 200 }, (_, index) => index + 1)

function planOf(seed: number, fields: Partial<Parameters<typeof drawPlan>[0]> = {}): Plan {
  return drawPlan({ seed, minutes: 10, brokers: 1, kinds: faultKinds, ...fields })
}

const endOf = ({ at, lastsMs }: PlannedFault) => at + lastsMs

/** Pairs of faults that overlap. */
function overlapping({ faults }: Plan): readonly (readonly [PlannedFault, PlannedFault])[] {
  return faults.flatMap((one, index) =>
    faults
      .slice(index + 1)
      .filter((other) => other.at <= endOf(one) && one.at <= endOf(other))
      .map((other) => [one, other] as const),
  )
}

describe('a plan of chaos', () => {
  it('is the same for the same seed, and different for another', () => {
    expect(planOf(7)).toEqual(planOf(7))
    expect(planOf(7)).not.toEqual(planOf(8))
  })

  it('has each kind alone in half an hour, and mixes at the end', () => {
    for (const seed of seeds) {
      const { faults } = planOf(seed, { minutes: 30, brokers: 3 })
      const alone = new Set(faults.filter(({ isMixed }) => !isMixed).map(({ kind }) => kind))
      const wanted = faultKinds.filter((kind) => kind !== 'broker-lost')
      expect([...wanted].filter((kind) => !alone.has(kind))).toEqual([])
      expect(faults.filter(({ isMixed }) => isMixed).length).toBeGreaterThan(8)
    }
  })

  it('begins no fault before the load runs, and ends all of them before it ends', () => {
    for (const seed of seeds) {
      const { faults, loadMs } = planOf(seed)
      expect(Math.min(...faults.map(({ at }) => at))).toBeGreaterThan(0)
      expect(Math.max(...faults.map(endOf))).toBeLessThan(loadMs)
    }
  })

  it('overlaps only faults that are mixed', () => {
    for (const seed of seeds) {
      for (const pair of overlapping(planOf(seed))) {
        expect(pair.map(({ isMixed }) => isMixed)).toEqual([true, true])
      }
    }
  })

  it('never has two faults at once that need the same thing', () => {
    const families = [
      /^broker-|^results-/,
      /^kafka-/,
      /^endpoint-(?:sliced|half)/,
      /^endpoint-(?:reset|hang|flood|late)/,
      /^stop$|^loop|^clock/,
    ]
    for (const seed of seeds) {
      for (const [one, other] of overlapping(planOf(seed, { brokers: 3 }))) {
        expect(
          families.filter((family) => family.test(one.kind) && family.test(other.kind)),
        ).toEqual([])
      }
    }
  })

  it('loses one of three brokers for good once, and disturbs no other broker afterwards', () => {
    for (const seed of seeds) {
      expect(planOf(seed).faults.some(({ kind }) => kind === 'broker-lost')).toBe(false)
      const { faults } = planOf(seed, { brokers: 3 })
      const lost = faults.filter(({ kind }) => kind === 'broker-lost')
      expect(lost).toHaveLength(1)
      const later = faults.filter(({ at }) => at > (lost[0]?.at ?? 0))
      expect(later.filter(({ kind }) => /^broker-|^results-/.test(kind))).toEqual([])
    }
  })

  it('hits the endpoints in turn', () => {
    for (const seed of seeds) {
      const turns = planOf(seed, { minutes: 30 })
        .faults.filter(({ kind }) => /^endpoint-(?:reset|hang|flood|late)/.test(kind))
        .map(({ turn }) => turn)
      expect(turns).toEqual(turns.map((_, index) => index))
    }
  })

  it('draws only from the given kinds', () => {
    const { faults } = planOf(1, { kinds: ['kill', 'term'] })
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['kill', 'term']))
  })
})

describe('the command line of chaos', () => {
  it('has defaults, and gives the command that repeats the run', () => {
    const options = readOptions([], 4_711)
    expect(options).toMatchObject({ minutes: 10, seed: 4_711, brokers: 1, processors: 3 })
    const again = commandOf(options)
    expect(again).toContain('npm run chaos -- --seed 4711 ')
    const words = again.split(' ').slice(4)
    expect(readOptions(words, 1)).toEqual(options)
  })

  it('prints its help when asked, whatever else is wrong', () => {
    expect(asksForHelp(['--help'])).toBe(true)
    expect(asksForHelp(['--minutes', 'ten', '-h'])).toBe(true)
    expect(asksForHelp(['--minutes', '10'])).toBe(false)
    for (const word of ['--minutes', '--seed', '--faults', '--brokers', '--rate', ...faultKinds]) {
      expect(helpText).toContain(word)
    }
    expect(Math.max(...helpText.split('\n').map(({ length }) => length))).toBeLessThan(100)
  })

  it('keeps chosen faults in that command', () => {
    const options = readOptions(['--faults', 'kill, term', '--brokers', '3'], 1)
    expect(readOptions(commandOf(options).split(' ').slice(4), 2)).toEqual(options)
  })

  it.each([
    [['--faults', 'kill,earthquake'], /There is no fault "earthquake". There are: kill, term,/],
    [['--brokers', '2'], /--brokers is 2: give 1 or 3/],
    [['--minutes', 'ten'], /--minutes is "ten": give a number above 0, at most 1440/],
    [['--minutes', '0'], /--minutes is "0": give/],
    [['--minutes', '99999'], /--minutes is "99999": give a number above 0, at most 1440/],
    [['--processors', '0.4'], /--processors is "0.4": give a whole number from 1 to 20/],
    [['--processors', '1e6'], /--processors is "1e6": give a whole number from 1 to 20/],
    [['--rate', '0.1'], /--rate is "0.1": give a whole number from 1 to 1000/],
    [['--rate', '2000000'], /--rate is "2000000": give a whole number from 1 to 1000/],
    [['--seed', '1.5'], /--seed is "1.5": give a whole number from 1 to /],
    [['--faults', ''], /There is no fault ""/],
    [['--faults', 'broker-lost'], /broker-lost takes three brokers: give --brokers 3 too/],
    [['--faults', 'broker-lost,kill'], /broker-lost takes three brokers/],
    [['--speed', '1'], /--speed.*See: npm run chaos -- --help/s],
    [['extra'], /extra.*See: npm run chaos -- --help/s],
  ])('refuses %s', (words, message) => {
    expect(() => readOptions(words, 1)).toThrow(message)
  })
})
