/** Names to addresses, without those that may not be called. */
import { lookup } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { judgeAddress } from '../../core/destination.ts'
import type { Cidr } from '../../core/destination.ts'
import { refusedAddress } from './connecting.ts'

type Resolved = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void
export type Resolve = (hostname: string, resolved: Resolved) => void

const resolveBySystem: Resolve = (hostname, resolved) => {
  lookup(hostname, { all: true }, resolved)
}

/** Passes on only the addresses that may be called; fails as `blocked` when none is left. */
export function guardedLookup(
  allowed: readonly Cidr[],
  resolve: Resolve = resolveBySystem,
): LookupFunction {
  const resolveShared = shared(resolve)
  return (hostname, options, callback) => {
    resolveShared(hostname, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const usable = addresses.filter(({ address }) => judgeAddress(address, allowed) === 'ok')
      const [first] = usable
      if (first === undefined) callback(refusedAddress(), [])
      else if (options.all === true) callback(null, usable)
      else callback(null, first.address, first.family)
    })
  }
}

/**
 * One lookup at a time for each name, shared by all who ask meanwhile. Lookups block threads of a small pool, and a hook
 * that opens all of its connections at once, to a name that does not resolve, would take every one of them.
 */
function shared(resolve: Resolve): Resolve {
  const waiting = new Map<string, Resolved[]>()
  return (hostname, resolved) => {
    const others = waiting.get(hostname)
    if (others !== undefined) {
      others.push(resolved)
      return
    }
    const all = [resolved]
    waiting.set(hostname, all)
    resolve(hostname, (error, addresses) => {
      waiting.delete(hostname)
      for (const each of all) each(error, addresses)
    })
  }
}
