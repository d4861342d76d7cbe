/** Sliced and half-open connections, to Kafka and to endpoints. */
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../../../src/edge/waiting.ts'
import { proxiedHooks } from '../hooks.ts'
import type { TcpProxy } from '../tcp-proxy.ts'
import type { World } from '../world.ts'
import { whenAnswered, type FaultOf } from './fault.ts'

/** Odd sizes cut frames, lengths and signatures anywhere. */
const kafkaSlice = { least: 1, most: 1_500 } as const
/** How often the coverage of commits is recorded. */
const noteMs = 5_000
/** A dead connection is found when a request on it times out, after 15 s. */
const findOutMs = 20_000
const endpointSlice = { least: 1, most: 90 } as const

export const kafkaSliced: FaultOf = {
  begin({ brokers, dice }) {
    return Promise.resolve({
      what: 'connections to Kafka sliced',
      countsFrom: 'end' as const,
      ...sliced(brokers.proxies, () => dice.int(kafkaSlice.least, kafkaSlice.most)),
    })
  },
}

export const endpointSliced: FaultOf = {
  lacks: lacksRested,
  begin(world) {
    const { endpointProxy, dice, recovery } = world
    recovery.hit(proxiedHooks, Date.now())
    return Promise.resolve({
      what: 'connections to endpoints sliced',
      countsFrom: 'end' as const,
      ...sliced([endpointProxy], () => dice.int(endpointSlice.least, endpointSlice.most)),
      resumed: whenAnswered(world, proxiedHooks),
      hookIds: proxiedHooks,
    })
  },
}

/** All connections of the processors to Kafka stop for a while, and then the old ones are dead for good. New ones work. */
export const kafkaHalfOpen: FaultOf = {
  async begin(world, { id, lastsMs }) {
    const { brokers, watch, disturbances } = world
    const crashes = [await disturbances.crash(id)]
    for (const proxy of brokers.proxies) proxy.pass({ kind: 'held' })
    await sleep(lastsMs)
    const count = brokers.proxies.reduce((sum, proxy) => sum + proxy.makeHalfOpen(), 0)
    for (const proxy of brokers.proxies) proxy.pass({ kind: 'whole' })
    return {
      what: `${count} connections to Kafka half-open`,
      countsFrom: 'begin',
      end: () => Promise.resolve(),
      async resumed(since) {
        // The processes find their dead connections at different times, so a partition can change owners more than once.
        const resumed = watch.resumed(since)
        const note = async () => void crashes.push(await disturbances.crash(id))
        while ((await within(resumed, noteMs, 'late')) === 'late') await note()
        void (async () => {
          for (let passedMs = 0; passedMs < findOutMs; passedMs += noteMs) {
            await sleep(noteMs)
            await note()
          }
          for (const crash of crashes) crash.close()
          disturbances.handOver()
        })()
      },
    }
  },
}

export const endpointHalfOpen: FaultOf = {
  lacks: lacksRested,
  begin(world) {
    const { endpointProxy, recovery } = world
    recovery.hit(proxiedHooks, Date.now())
    const count = endpointProxy.makeHalfOpen()
    return Promise.resolve({
      what: `${count} connections to endpoints half-open`,
      countsFrom: 'begin' as const,
      end: () => Promise.resolve(),
      resumed: whenAnswered(world, proxiedHooks),
      hookIds: proxiedHooks,
    })
  },
}

/** Calls that were cut off or delayed can open the breakers of all endpoints behind the proxy. */
function lacksRested({ recovery }: World): string | undefined {
  const count = recovery.rested(proxiedHooks, Date.now()).length
  return count === proxiedHooks.length
    ? undefined
    : `${proxiedHooks.length - count} endpoints behind the proxy have not recovered from their last fault`
}

function sliced(proxies: readonly TcpProxy[], bytes: () => number) {
  for (const proxy of proxies) proxy.pass({ kind: 'sliced', bytes, everyMs: 0 })
  return {
    end() {
      for (const proxy of proxies) proxy.pass({ kind: 'whole' })
      return Promise.resolve()
    },
  }
}
