/** A broker is unavailable for a while, or, if there are three, lost for good. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EmbeddedKafka } from '../../../examples/sandbox/sandbox.ts'
import { fillDisk } from '../brokers.ts'
import type { World } from '../world.ts'
import { pickByTurn, type FaultBegun, type FaultOf } from './fault.ts'

interface Way {
  readonly name: string
  lose(node: EmbeddedKafka): Promise<void>
  regain(node: EmbeddedKafka): Promise<void>
}

function brokerAway({ name, lose, regain }: Way): FaultOf {
  return {
    lacks: ({ brokers }) =>
      brokers.isLost ? 'a broker is lost for good, and no other one may be unavailable' : undefined,
    async begin(world, { id, turn }) {
      const node = pickByTurn(world.brokers.nodes, turn)
      // Before the broker is lost, since afterwards no broker may answer.
      const crash = await world.disturbances.crash(id)
      await lose(node)
      return {
        what: `broker ${nameOf(world, node)} ${name}`,
        countsFrom: 'end',
        async end() {
          await regain(node)
          crash.close()
          world.disturbances.handOver()
        },
      }
    },
  }
}

export const brokerKill = brokerAway({
  name: 'killed',
  lose: (node) => node.kill(),
  regain: (node) => node.restart(),
})

export const brokerPause = brokerAway({
  name: 'hangs',
  lose: (node) => signal(node, 'SIGSTOP'),
  regain: (node) => signal(node, 'SIGCONT'),
})

export const brokerFull = brokerAway({
  name: 'has no room left on its disk',
  async lose(node) {
    await fillDisk(node.pid())
    await untilEnded(node)
  },
  regain: (node) => node.restart(),
})

/** One of three brokers is lost for good. */
export const brokerLost: FaultOf = {
  lacks: ({ brokers }) => (brokers.nodes.length < 3 ? 'it needs three brokers' : undefined),
  async begin(world, planned): Promise<FaultBegun> {
    const node = pickByTurn(world.brokers.nodes, planned.id)
    const crash = await world.disturbances.crash(planned.id)
    await node.kill()
    world.brokers.isLost = true
    return {
      what: `broker ${nameOf(world, node)} lost for good`,
      countsFrom: 'begin',
      end: () => Promise.resolve(),
      async resumed(since) {
        await world.watch.resumed(since)
        crash.close()
        world.disturbances.handOver()
      },
    }
  },
}

function nameOf({ brokers }: World, node: EmbeddedKafka): string {
  return `${brokers.nodes.indexOf(node) + 1} of ${brokers.nodes.length}`
}

function signal(node: EmbeddedKafka, name: NodeJS.Signals): Promise<void> {
  process.kill(node.pid(), name)
  return Promise.resolve()
}

const lookMs = 50
/** Under load a write happens within this time, and one write is enough. */
const endsWithinMs = 20_000

/** @throws {Error} when the broker does not end */
async function untilEnded(node: EmbeddedKafka): Promise<void> {
  const giveUpAt = Date.now() + endsWithinMs
  while (isRunning(node.pid())) {
    if (Date.now() > giveUpAt) throw new Error('the broker still runs though its disk is full')
    await sleep(lookMs)
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
