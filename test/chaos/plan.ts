/** What a seed draws: which faults happen, when, to what, and for how long. The same seed gives the same plan. */
import { createDice, type Dice } from '../sim/dice.ts'

export const faultKinds = [
  'kill',
  'term',
  'stop',
  'loop-blocked',
  'churn',
  'clock-step',
  'broker-kill',
  'broker-pause',
  'broker-full',
  'broker-lost',
  'results-unwritable',
  'registry-gone',
  'kafka-sliced',
  'kafka-half-open',
  'endpoint-reset',
  'endpoint-hang',
  'endpoint-flood',
  'endpoint-late',
  'endpoint-sliced',
  'endpoint-half-open',
  'hooks-edited',
] as const

export type FaultKind = (typeof faultKinds)[number]

/** A resource that only one fault at a time may use. */
type Resource =
  | 'stall'
  | 'broker'
  | 'kafka-proxy'
  | 'registry'
  | 'endpoints'
  | 'endpoint-proxy'
  | 'hooks'

interface KindRule {
  /** How long it lasts, least and most, in seconds. */
  readonly lasts: readonly [least: number, most: number]
  /** How long no other fault begins after it when it is alone, so that its time to resume can be measured. In seconds. */
  readonly quiet: number
  readonly uses: readonly Resource[]
}

/** The session time-out of the processors. Some faults last longer. */
export const sessionMs = 6_000

const rules: Readonly<Record<FaultKind, KindRule>> = {
  kill: { lasts: [1, 4], quiet: 11, uses: [] },
  term: { lasts: [1, 4], quiet: 6, uses: [] },
  stop: { lasts: [8, 14], quiet: 8, uses: ['stall'] },
  'loop-blocked': { lasts: [2, 10], quiet: 8, uses: ['stall'] },
  churn: { lasts: [14, 20], quiet: 8, uses: [] },
  'clock-step': { lasts: [6, 12], quiet: 5, uses: ['stall'] },
  'broker-kill': { lasts: [2, 8], quiet: 14, uses: ['broker'] },
  'broker-pause': { lasts: [4, 12], quiet: 12, uses: ['broker'] },
  'broker-full': { lasts: [4, 8], quiet: 14, uses: ['broker'] },
  'broker-lost': { lasts: [0, 0], quiet: 14, uses: ['broker'] },
  'results-unwritable': { lasts: [6, 12], quiet: 8, uses: ['broker'] },
  'registry-gone': { lasts: [6, 12], quiet: 8, uses: ['registry'] },
  'kafka-sliced': { lasts: [8, 14], quiet: 4, uses: ['kafka-proxy'] },
  'kafka-half-open': { lasts: [1, 3], quiet: 25, uses: ['kafka-proxy'] },
  'endpoint-reset': { lasts: [6, 14], quiet: 4, uses: ['endpoints'] },
  'endpoint-hang': { lasts: [6, 14], quiet: 4, uses: ['endpoints'] },
  'endpoint-flood': { lasts: [6, 14], quiet: 4, uses: ['endpoints'] },
  'endpoint-late': { lasts: [6, 14], quiet: 4, uses: ['endpoints'] },
  'endpoint-sliced': { lasts: [8, 14], quiet: 4, uses: ['endpoint-proxy'] },
  'endpoint-half-open': { lasts: [1, 3], quiet: 6, uses: ['endpoint-proxy'] },
  'hooks-edited': { lasts: [8, 14], quiet: 3, uses: ['hooks'] },
}

export interface PlannedFault {
  /** From 1, in the order in which they begin. */
  readonly id: number
  readonly kind: FaultKind
  /** From the beginning of the load, in milliseconds. */
  readonly at: number
  readonly lastsMs: number
  /** How many faults of its kind, or of all that hit endpoints, came before. Targets are chosen in turn by it. */
  readonly turn: number
  /** Whether other faults may overlap it. */
  readonly isMixed: boolean
}

export interface Plan {
  readonly seed: number
  readonly loadMs: number
  readonly faults: readonly PlannedFault[]
}

export interface PlanOptions {
  readonly seed: number
  readonly minutes: number
  readonly brokers: 1 | 3
  /** The kinds to draw from. With one broker, those that need three are left out. */
  readonly kinds: readonly FaultKind[]
}

type Unnumbered = Omit<PlannedFault, 'id' | 'turn'>

const secondMs = 1_000
/** How long the load runs before the first fault, and after the last one. */
const calmMs = 6 * secondMs
/** The share of the time in which faults are alone. */
const aloneShare = 0.55
/** After this share of the time, one of three brokers is lost for good. */
const lostShare = 0.8

/** First each kind is alone, in a random order, repeatedly. Then two or three faults happen at once. */
export function drawPlan({ seed, minutes, brokers, kinds }: PlanOptions): Plan {
  const loadMs = minutes * 60 * secondMs
  const lastMs = loadMs - calmMs
  const dice = createDice(`chaos ${seed}`)
  const isLost = brokers === 3 && kinds.includes('broker-lost')
  const drawn = kinds.filter((kind) => kind !== 'broker-lost')
  const faults: Unnumbered[] = []
  let now = drawAlone(dice.fork('alone'), drawn, faults, {
    from: calmMs,
    to: Math.min(lastMs, loadMs * aloneShare),
  })
  now = drawMixed(dice.fork('mixed'), drawn, faults, { from: now, to: lastMs })
  if (isLost) loseForGood(faults, loadMs * lostShare)
  return { seed, loadMs, faults: numbered(faults) }
}

interface Span {
  readonly from: number
  readonly to: number
}

/** Returns when the next fault may begin. */
function drawAlone(
  dice: Dice,
  kinds: readonly FaultKind[],
  faults: Unnumbered[],
  { from, to }: Span,
): number {
  let at = from
  while (kinds.length > 0) {
    for (const kind of shuffled(dice, kinds)) {
      const lastsMs = lastsOf(dice, kind)
      const end = at + lastsMs + rules[kind].quiet * secondMs
      if (end > to) return at
      faults.push({ kind, at, lastsMs, isMixed: false })
      at = end
    }
  }
  return at
}

function drawMixed(
  dice: Dice,
  kinds: readonly FaultKind[],
  faults: Unnumbered[],
  { from, to }: Span,
): number {
  let at = from
  while (kinds.length > 1) {
    const together = pickTogether(dice, kinds)
    const begun = together.map((kind, index) => ({
      kind,
      at: at + (index === 0 ? 0 : Math.round(dice.between(0, 5) * secondMs)),
      lastsMs: lastsOf(dice, kind),
      isMixed: true,
    }))
    const ends = begun.map((one) => one.at + one.lastsMs + rules[one.kind].quiet * secondMs)
    const end = Math.max(...ends)
    if (end > to) return at
    faults.push(...begun)
    at = end
  }
  return at
}

/** Two or three kinds that do not need the same resource. */
function pickTogether(dice: Dice, kinds: readonly FaultKind[]): readonly FaultKind[] {
  const count = dice.chance(0.4) ? 3 : 2
  const picked: FaultKind[] = []
  for (const kind of shuffled(dice, kinds)) {
    const isFree = picked.every(
      (one) => !rules[one].uses.some((use) => rules[kind].uses.includes(use)),
    )
    if (isFree) picked.push(kind)
    if (picked.length === count) break
  }
  return picked
}

/** One broker is lost for good. Faults that need all other brokers do not happen after that. */
function loseForGood(faults: Unnumbered[], notBefore: number): void {
  const isBroker = ({ kind }: Unnumbered) => rules[kind].uses.includes('broker')
  const later = faults.findIndex((fault) => isBroker(fault) && fault.at >= notBefore)
  const before = faults.filter((fault) => isBroker(fault) && fault.at < notBefore).at(-1)
  const free =
    before === undefined ? 0 : before.at + before.lastsMs + rules[before.kind].quiet * secondMs
  const at = Math.max(notBefore, free)
  if (later >= 0) {
    const left = faults.filter((fault) => !(isBroker(fault) && fault.at >= notBefore))
    faults.splice(0, faults.length, ...left)
  }
  const isMixed = faults.some(
    (fault) => fault.at + fault.lastsMs > at && fault.at < at + 14 * secondMs,
  )
  faults.push({ kind: 'broker-lost', at, lastsMs: 0, isMixed })
}

function numbered(faults: readonly Unnumbered[]): readonly PlannedFault[] {
  const turns = new Map<string, number>()
  return faults
    .toSorted((one, other) => one.at - other.at)
    .map((fault, index) => {
      const family = rules[fault.kind].uses.includes('endpoints') ? 'endpoints' : fault.kind
      const turn = turns.get(family) ?? 0
      turns.set(family, turn + 1)
      return { ...fault, id: index + 1, turn }
    })
}

function lastsOf(dice: Dice, kind: FaultKind): number {
  const [least, most] = rules[kind].lasts
  return Math.round(dice.between(least, most) * secondMs)
}

function shuffled<Item>(dice: Dice, items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, key: dice.float() }))
    .toSorted((one, other) => one.key - other.key)
    .map(({ item }) => item)
}
