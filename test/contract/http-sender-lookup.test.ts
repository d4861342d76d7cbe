/** The part of connecting that no name of this machine can show: what names resolve to, and how Node fails. */
import type { LookupAddress } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { parseCidr } from '../../src/core/destination.ts'
import { ConnectFailure, asConnectFailure } from '../../src/edge/http/connecting.ts'
import { guardedLookup } from '../../src/edge/http/guarded-lookup.ts'
import type { Resolve } from '../../src/edge/http/guarded-lookup.ts'

type Found = { readonly error: unknown; readonly addresses: unknown; readonly family?: unknown }

function found(resolve: Resolve, all = true, allowed: readonly string[] = []): Promise<Found> {
  const cidrs = allowed.flatMap((text) => {
    const result = parseCidr(text)
    return result.kind === 'cidr' ? [result.cidr] : []
  })
  return new Promise((done) => {
    guardedLookup(cidrs, resolve)('name.example', { all }, (error, addresses, family) =>
      done({ error, addresses, family }),
    )
  })
}

const open: LookupAddress = { address: '93.184.215.14', family: 4 }
const openSix: LookupAddress = { address: '2606:4700::1111', family: 6 }
const inside: LookupAddress = { address: '10.0.0.1', family: 4 }
const metadata: LookupAddress = { address: '169.254.169.254', family: 4 }
const mapped: LookupAddress = { address: '::ffff:169.254.169.254', family: 6 }

function resolvesTo(...addresses: readonly LookupAddress[]): Resolve {
  return (_, resolved) => resolved(null, addresses)
}

describe('a name', () => {
  it('leads only to those of its addresses that may be called', async () => {
    const result = await found(resolvesTo(inside, openSix, metadata, open, mapped))
    expect(result).toMatchObject({ error: null, addresses: [openSix, open] })
  })

  it('leads to addresses that are allowed, never to metadata services', async () => {
    const result = await found(resolvesTo(metadata, inside, mapped), true, ['0.0.0.0/0', '::/0'])
    expect(result).toMatchObject({ error: null, addresses: [inside] })
  })

  it('is blocked when none of its addresses may be called', async () => {
    const { error } = await found(resolvesTo(inside, metadata))
    expect(error).toMatchObject({ errorClass: 'blocked' })
    expect(String(error)).not.toMatch(/10\.|169\./)
  })

  it('leads to its first such address where one is asked for', async () => {
    const result = await found(resolvesTo(inside, open, openSix), false)
    expect(result).toEqual({ error: null, addresses: open.address, family: 4 })
  })

  it('is resolved once for all who ask at the same time, and again for those who ask later', () => {
    const pending: ((addresses: readonly LookupAddress[]) => void)[] = []
    const lookup = guardedLookup([], (_, resolved) => {
      pending.push((addresses) => resolved(null, addresses))
    })
    const results: unknown[] = []
    const ask = (name: string): void =>
      lookup(name, { all: true }, (_, addresses) => results.push(addresses))
    for (const name of ['a.example', 'a.example', 'b.example', 'a.example']) ask(name)
    expect(pending).toHaveLength(2)
    pending[0]?.([open])
    expect(results).toEqual([[open], [open], [open]])
    ask('a.example')
    expect(pending).toHaveLength(3)
  })
})

function nodeError(code: string, syscall = 'connect'): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
}

describe('a failure to connect', () => {
  it.each([
    ['a name that does not exist', nodeError('ENOTFOUND', 'getaddrinfo'), false, 'dns'],
    ['a resolver that does not answer', nodeError('EAI_AGAIN', 'getaddrinfo'), false, 'dns'],
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

  it('that has its class already keeps it', () => {
    const blocked = new ConnectFailure('blocked', 'not there')
    expect(asConnectFailure(blocked, true)).toBe(blocked)
  })
})
