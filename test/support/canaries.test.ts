/** Tests of the search that test/broker/canary.test.ts uses: it finds every form of a secret. */
import { describe, expect, it } from 'vitest'
import { canary, sightings } from './canaries.ts'

describe('the search for planted secrets', () => {
  it.each([
    (secret: string) => secret,
    (secret: string) => secret.toUpperCase(),
    (secret: string) => Array.from(secret).toReversed().join(''),
    (secret: string) => Buffer.from(secret).toString('hex'),
    (secret: string) => JSON.stringify(Buffer.from(`me:${secret}`)),
    (secret: string) => Buffer.from(`me:${secret}`).toString('base64'),
    (secret: string) => Buffer.from(`you:${secret}!`).toString('base64url'),
    (secret: string) => Buffer.from(`{"key":"${secret}"}`).toString('base64'),
    (secret: string) => Array.from(secret).join('.'),
    (secret: string) => `${secret.slice(0, 9)}\n${secret.slice(9)}`,
    (secret: string) => secret.replaceAll('c', '\\u0063').replaceAll('\\u0063', 'c'),
  ])('finds a secret as %s', (written) => {
    const secret = canary()
    const text = `before "${written(secret)}" behind`
    expect(sightings('text', text, { secret }).length).toBeGreaterThan(0)
    expect(sightings('text', text, { secret: canary() })).toEqual([])
  })
})
