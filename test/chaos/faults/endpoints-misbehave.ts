/** Some endpoints misbehave: they reset connections, hang, flood or answer too late. The others must not feel it. */
import { directHooks, proxiedHooks } from '../hooks.ts'
import type { Misbehaviour } from '../endpoints.ts'
import { pickByTurn, type FaultOf } from './fault.ts'

/** Breakers open at this one; the other is below what opens them. */
const shares = [1, 0.3] as const
const all = [...directHooks, ...proxiedHooks]

export function endpointsThat(how: Misbehaviour): FaultOf {
  return {
    begin({ endpoints, watch }, { turn }) {
      // They take turns, so that an endpoint has recovered before it is hit again.
      const hit = [pickByTurn(all, turn * 2), pickByTurn(all, turn * 2 + 1)]
      const share = pickByTurn(shares, turn)
      for (const id of hit) endpoints.misbehave(id, { how, share })
      return Promise.resolve({
        what: `${hit.join(' and ')} ${how}, ${share * 100} % of their calls`,
        countsFrom: 'end' as const,
        end() {
          for (const id of hit) endpoints.misbehave(id, undefined)
          return Promise.resolve()
        },
        resumed: (since: number) => watch.answeredSince(hit, since),
      })
    },
  }
}
