/** Bytes come in slices, or connections are dead and nobody says so: on the way to Kafka, and to endpoints. */
import { setTimeout as sleep } from 'node:timers/promises'
import { proxiedHooks } from '../hooks.ts'
import type { TcpProxy } from '../tcp-proxy.ts'
import type { FaultOf } from './fault.ts'

/** Odd sizes cut frames, lengths and signatures anywhere. */
const kafkaSlice = { least: 1, most: 1_500 } as const
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
  begin({ endpointProxy, dice, watch }) {
    return Promise.resolve({
      what: 'connections to endpoints sliced',
      countsFrom: 'end' as const,
      ...sliced([endpointProxy], () => dice.int(endpointSlice.least, endpointSlice.most)),
      resumed: (since: number) => watch.answeredSince(proxiedHooks, since),
    })
  },
}

/** All connections of the processors to Kafka hold, and then those of before go dead for good. New ones work. */
export const kafkaHalfOpen: FaultOf = {
  async begin(world, { id, lastsMs }) {
    const { brokers, watch, disturbances } = world
    const crash = await disturbances.crash(id)
    for (const proxy of brokers.proxies) proxy.pass({ kind: 'held' })
    await sleep(lastsMs)
    const count = brokers.proxies.reduce((sum, proxy) => sum + proxy.deaden(), 0)
    for (const proxy of brokers.proxies) proxy.pass({ kind: 'whole' })
    return {
      what: `${count} connections to Kafka half-open`,
      countsFrom: 'begin',
      end: () => Promise.resolve(),
      async resumed(since) {
        await watch.resumed(since)
        crash.close()
        disturbances.handOver()
      },
    }
  },
}

export const endpointHalfOpen: FaultOf = {
  begin({ endpointProxy, watch }) {
    const count = endpointProxy.deaden()
    return Promise.resolve({
      what: `${count} connections to endpoints half-open`,
      countsFrom: 'begin' as const,
      end: () => Promise.resolve(),
      resumed: (since: number) => watch.answeredSince(proxiedHooks, since),
    })
  },
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
