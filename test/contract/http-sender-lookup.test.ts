/** What of a name's addresses is connected to, and how failures to connect are classed. */
import { describe, expect, it } from 'vitest'
import { parseCidr } from '../../src/edge/http/destination.ts'
import type { NameAddress } from '../../src/edge/names/answer.ts'
import { ConnectFailure, asConnectFailure } from '../../src/edge/http/connecting.ts'
import { guardedLookup } from '../../src/edge/http/guarded-lookup.ts'
import type { LookupFailure, LookupResult } from '../../src/edge/names/lookup.ts'
import type { Names } from '../../src/edge/names/names.ts'

type Found = { readonly error: unknown; readonly addresses: unknown; readonly family?: unknown }

function namesWith(result: LookupResult): Names {
  return {
    lookup(_, __, resolved) {
      resolved(result)
      return () => {}
    },
    stop() {},
  }
}

function found(
  result: LookupResult,
  all = true,
  allowed: readonly string[] | 'all' = [],
): Promise<Found> {
  const cidrs =
    allowed === 'all'
      ? undefined
      : allowed.flatMap((text) => {
          const parsed = parseCidr(text)
          return parsed.kind === 'cidr' ? [parsed.cidr] : []
        })
  return new Promise((done) => {
    const { lookup } = guardedLookup(namesWith(result), 'default', cidrs)
    lookup('name.example', { all }, (error, addresses, family) =>
      done({ error, addresses, family }),
    )
  })
}

const open: NameAddress = { address: '93.184.215.14', family: 4 }
const openSix: NameAddress = { address: '2606:4700::1111', family: 6 }
const inside: NameAddress = { address: '10.0.0.1', family: 4 }
const metadata: NameAddress = { address: '169.254.169.254', family: 4 }
const mapped: NameAddress = { address: '::ffff:169.254.169.254', family: 6 }

function resolvesTo(...addresses: readonly NameAddress[]): LookupResult {
  return { kind: 'addresses', addresses }
}

describe('a name', () => {
  it('is called only at those of its addresses that may be called', async () => {
    const result = await found(resolvesTo(inside, openSix, metadata, open, mapped))
    expect(result).toMatchObject({ error: null, addresses: [openSix, open] })
  })

  it('is called at private addresses that are allowed, and never at metadata services', async () => {
    const result = await found(resolvesTo(metadata, inside, mapped), true, ['0.0.0.0/0', '::/0'])
    expect(result).toMatchObject({ error: null, addresses: [inside] })
  })

  it('is blocked when none of its addresses may be called', async () => {
    const { error } = await found(resolvesTo(inside, metadata))
    expect(error).toMatchObject({ errorClass: 'blocked' })
    expect(String(error)).not.toMatch(/10\.|169\./)
  })

  it('gives its first such address if one is requested', async () => {
    const result = await found(resolvesTo(inside, open, openSix), false)
    expect(result).toEqual({ error: null, addresses: open.address, family: 4 })
  })

  it('is called at any of its addresses if the operator has chosen it', async () => {
    const result = await found(resolvesTo(inside, open), true, 'all')
    expect(result).toMatchObject({ error: null, addresses: [inside, open] })
  })

  it.each([
    ['no-name', 'name.example does not exist, or has no address'],
    ['not-a-name', 'name.example is too long, or has an empty part, to be looked up'],
    ['silent', 'name.example could not be looked up: the name servers did not answer in time'],
    ['refused', 'name.example could not be looked up: the name servers failed'],
  ] as const satisfies readonly (readonly [LookupFailure, string])[])(
    'without an address fails with class dns, and the message names no name server: %s',
    async (failure, message) => {
      const { error } = await found({ kind: 'failure', failure })
      expect(error).toMatchObject({ errorClass: 'dns', message })
    },
  )

  it('is no longer waited for after its connection was given up', () => {
    let isWaiting = false
    const names: Names = {
      lookup() {
        isWaiting = true
        return () => {
          isWaiting = false
        }
      },
      stop() {},
    }
    const { lookup, cancel } = guardedLookup(names, 'default', [])
    lookup('name.example', { all: true }, () => {})
    expect(isWaiting).toBe(true)
    cancel()
    expect(isWaiting).toBe(false)
  })
})

function nodeError(code: string, syscall = 'connect'): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
}

describe('a failure to connect', () => {
  it.each([
    ['a refused connection', nodeError('ECONNREFUSED'), false, 'connect'],
    ['an unreachable network', nodeError('ENETUNREACH'), false, 'connect'],
    ['a time-out of TCP', nodeError('ETIMEDOUT'), false, 'timeout'],
    ['a handshake that is cut', nodeError('ECONNRESET', 'read'), true, 'tls'],
    ['a certificate for another name', nodeError('ERR_TLS_CERT_ALTNAME_INVALID'), true, 'tls'],
    ['no error object', 'odd', false, 'connect'],
  ] as const)('has a class: %s', (_, error, isHandshake, errorClass) => {
    expect(asConnectFailure(error, isHandshake).errorClass).toBe(errorClass)
  })

  it('of several addresses is a time-out only if all timed out', () => {
    const timedOut = nodeError('ETIMEDOUT')
    const refused = nodeError('ECONNREFUSED')
    expect(asConnectFailure(new AggregateError([timedOut, timedOut]), false).errorClass).toBe(
      'timeout',
    )
    const mixed = asConnectFailure(new AggregateError([refused, timedOut]), false)
    expect(mixed).toMatchObject({ errorClass: 'connect', message: 'connect ECONNREFUSED' })
  })

  it('that already has a class keeps it', () => {
    const blocked = new ConnectFailure('blocked', 'not there')
    expect(asConnectFailure(blocked, true)).toBe(blocked)
  })
})
