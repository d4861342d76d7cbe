/** Some endpoints misbehave: they reset connections, hang, flood or answer too late. The others must not be affected. */
import { directHooks, proxiedHooks } from '../hooks.ts'
import type { Misbehaviour } from '../endpoints.ts'
import type { World } from '../world.ts'
import { pickByTurn, whenAnswered, type FaultOf } from './fault.ts'

/** The first share opens breakers, and the second does not. */
const shares = [1, 0.3] as const
const all = [...directHooks, ...proxiedHooks]
/** How many endpoints are hit at once. */
const together = 2

/** The endpoints to hit next. They take turns. */
function nextOf({ recovery }: World, turn: number): readonly string[] {
  const order = all.map((_, index) => pickByTurn(all, turn * together + index))
  return recovery.rested(order, Date.now()).slice(0, together)
}

export function endpointsThat(how: Misbehaviour): FaultOf {
  return {
    lacks: (world) =>
      nextOf(world, 0).length === 0 ? 'no endpoint has recovered from its last fault' : undefined,
    begin(world, { turn }) {
      const { endpoints, recovery } = world
      const hit = nextOf(world, turn)
      const share = pickByTurn(shares, turn)
      recovery.hit(hit, Date.now())
      for (const id of hit) endpoints.misbehave(id, { how, share })
      return Promise.resolve({
        what: `${hit.join(' and ')} ${how}, ${share * 100} % of their calls`,
        countsFrom: 'end' as const,
        end() {
          for (const id of hit) endpoints.misbehave(id, undefined)
          return Promise.resolve()
        },
        resumed: whenAnswered(world, hit),
        hookIds: hit,
      })
    },
  }
}
