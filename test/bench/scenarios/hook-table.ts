/**
 * S7: a million hooks of 10,000 tenants, beside one hook for each of these tenants. Events go to the same thousand hooks
 * in both, 500 a second, first while no hook changes, then while a thousand hooks change each second.
 */
import { createSink } from '../../../src/edge/kafka/sink.ts'
import { settingsOf, silentLog } from '../../support/kafka-tools.ts'
import { addressOf } from '../events.ts'
import type { Figures } from '../figures.ts'
import { inspectable, liveBytesOf } from '../live-bytes.ts'
import {
  hookRecord,
  prepare,
  startProduct,
  succeed,
  type BenchHook,
  type Environment,
  type Product,
} from '../product.ts'
import { measureCalls, type Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'
import { latencyFigures, writeSteadily } from '../steady-load.ts'
import { times } from './neighbours.ts'

const tenants = 10_000
const counts = { many: 1_000_000, few: tenants }
const nameOf = (hooks: number) => `${hooks} hooks`
const many = nameOf(counts.many)
const few = nameOf(counts.few)
const partitions = 6
const load = { partitions, perSecond: 500, spread: { hooks: 1_000, tenants } }
const seconds = { quiet: 15, changes: 10 }
const changesPerSecond = 1_000
const changesTickMs = 10
const delayBesideChanges = 'loop delay max ms, hooks change'

export const hookTableScenario: Scenario = {
  targets: [
    { subject: many, figure: 'bytes per hook', limit: { atMost: 600 } },
    { subject: many, figure: 'ready after s', limit: { atMost: 10 } },
    { subject: many, figure: 'CPU s per 1,000', beside: few, limit: { atMost: 1.1 } },
    { subject: many, figure: 'loop delay max ms', limit: { atMost: 50 } },
    { subject: many, figure: delayBesideChanges, limit: { atMost: 50 } },
  ],
  async prepare(rig) {
    const empty = await liveBytesWithout(rig)
    const subjects = []
    for (const hooks of Object.values(counts)) {
      rig.note(`writing ${hooks} hooks`)
      const environment = rig.environment()
      await prepare(environment, { hooks: hooksOf(rig, hooks), partitions })
      const table: Table = { environment, hooks, empty }
      subjects.push({ name: nameOf(hooks), measure: () => measure(rig, table) })
    }
    return subjects
  },
}

interface Table {
  readonly environment: Environment
  readonly hooks: number
  /** Live bytes of a process without hooks. */
  readonly empty: number
}

function hookAt(rig: Rig, n: number, more: Partial<BenchHook> = {}): BenchHook {
  const { tenant, event } = addressOf(n, tenants)
  return rig.hook(`hook${n}`, 'timed', { tenantId: tenant, events: [event], ...more })
}

function* hooksOf(rig: Rig, hooks: number): Generator<BenchHook> {
  for (let n = 0; n < hooks; n += 1) yield hookAt(rig, n)
}

async function liveBytesWithout(rig: Rig): Promise<number> {
  const environment = rig.environment()
  await prepare(environment, { hooks: [] })
  await using running = await startProduct({ ...environment, ...inspectable })
  return await liveBytesOfOnly(running)
}

async function measure(rig: Rig, { environment, hooks, empty }: Table): Promise<Figures> {
  // Another group each time: the last member of the same one may not be forgotten yet.
  const own = { ...environment, HOOKTIDE_GROUP_ID: rig.newName(), ...inspectable }
  await succeed(['init', '--from', 'latest'], own)
  const startedAt = performance.now()
  await using running = await startProduct(own)
  const readyAfter = (performance.now() - startedAt) / 1_000
  const bytes = (await liveBytesOfOnly(running)) - empty
  // That was a pause of its own.
  await running.readings()
  const quiet = await underLoad(rig, running, { environment, seconds: seconds.quiet })
  const quietDelay = (await running.readings()).loopDelayMs
  const changing = writeChanges(rig, { environment, hooks })
  await underLoad(rig, running, { environment, seconds: seconds.changes })
  await changing
  return {
    'ready after s': readyAfter,
    'bytes per hook': bytes / hooks,
    ...quiet,
    'loop delay max ms': quietDelay,
    [delayBesideChanges]: (await running.readings()).loopDelayMs,
  }
}

async function liveBytesOfOnly({ runs }: Product): Promise<number> {
  const [run] = runs
  return run === undefined ? Number.NaN : await liveBytesOf(run)
}

interface Stretch {
  readonly environment: Environment
  readonly seconds: number
}

async function underLoad(rig: Rig, running: Product, stretch: Stretch): Promise<Figures> {
  await rig.receiver.forget()
  const measuring = measureCalls(rig, running, load.perSecond * stretch.seconds)
  measuring.catch(() => undefined)
  const topic = `${stretch.environment['HOOKTIDE_TOPIC_PREFIX']}.events`
  await writeSteadily(rig, { ...load, topic, seconds: stretch.seconds })
  const { figures, arrivals } = await measuring
  return { ...figures, ...latencyFigures(arrivals) }
}

/** Puts hooks anew, with another name: the first ones and so on, those that get the events among them. */
async function writeChanges(rig: Rig, { environment, hooks }: Omit<Table, 'empty'>): Promise<void> {
  const sink = createSink({ settings: settingsOf(rig.surroundings.brokers), log: silentLog })
  const total = changesPerSecond * seconds.changes
  const each = (changesPerSecond * changesTickMs) / 1_000
  const startedAt = performance.now()
  const writes: Promise<void>[] = []
  for (let changed = 0; changed < total; changed += each) {
    const due = startedAt + (changed / each) * changesTickMs
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    const records = times(each, (index) => {
      const hook = hookAt(rig, (changed + index) % hooks, { name: `change ${changed}` })
      return hookRecord(environment, hook)
    })
    writes.push(sink.write(records))
  }
  await Promise.all(writes)
  await sink.stop()
}
