/** Resolves names for Node's sockets, and leaves out the addresses that may not be called. */
import type { LookupFunction } from 'node:net'
import { judgeAddress } from './destination.ts'
import type { Cidr } from './destination.ts'
import type { TenantId } from '../../core/model/model.ts'
import type { LookupFailure } from '../names/lookup.ts'
import type { Names } from '../names/names.ts'
import { ConnectFailure, refusedAddress } from './connecting.ts'

/** The lookups of one connection. */
export interface ConnectionLookup {
  readonly lookup: LookupFunction
  /** Stops waiting for addresses. */
  readonly cancel: () => void
}

/**
 * Passes on only the addresses that may be called. Fails as `dns` when the name has no address, and as `blocked` when
 * none of its addresses may be called.
 *
 * @param allowed `undefined` for the egress proxy: the operator has chosen it, so any address is allowed
 */
export function guardedLookup(
  names: Names,
  tenantId: TenantId,
  allowed: readonly Cidr[] | undefined,
): ConnectionLookup {
  let cancel = (): void => {}
  return {
    lookup(host, options, callback) {
      cancel = names.lookup(host, tenantId, (result) => {
        if (result.kind === 'failure') return callback(unresolved(host, result.failure), [])
        const usable =
          allowed === undefined
            ? result.addresses
            : result.addresses.filter(({ address }) => judgeAddress(address, allowed) === 'ok')
        const [first] = usable
        if (first === undefined) callback(refusedAddress(), [])
        else if (options.all === true) callback(null, [...usable])
        else callback(null, first.address, first.family)
      })
    },
    cancel: () => cancel(),
  }
}

/** The message goes to the owner of the hook, so it tells nothing about the name servers of this network. */
function unresolved(host: string, failure: LookupFailure): ConnectFailure {
  return new ConnectFailure('dns', `${host} ${unresolvedBecause[failure]}`)
}

const unresolvedBecause: Readonly<Record<LookupFailure, string>> = {
  'not-a-name': 'is too long, or has an empty part, to be looked up',
  'no-name': 'does not exist, or has no address',
  refused: 'could not be looked up: the name servers failed',
  silent: 'could not be looked up: the name servers did not answer in time',
}
