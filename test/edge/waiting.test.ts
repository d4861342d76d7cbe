import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { sleep, unlessAborted } from '../../src/edge/waiting.ts'

const never = new Promise<never>(() => undefined)

describe('a sleep', () => {
  it('ends when its signal is aborted', async () => {
    const stop = new AbortController()
    const sleeping = sleep(3_600_000, stop.signal)
    stop.abort()
    expect(await sleeping).toBeUndefined()
  })

  it('does not begin after its signal was aborted', async () => {
    expect(await sleep(3_600_000, AbortSignal.abort())).toBeUndefined()
  })

  it('leaves no listener at its signal', async () => {
    const { signal } = new AbortController()
    await sleep(1, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('work that is waited for unless a signal is aborted', () => {
  it('gives its result, or its error', async () => {
    const { signal } = new AbortController()
    expect(await unlessAborted(Promise.resolve(1), signal)).toBe(1)
    await expect(unlessAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('is not waited for once the signal is aborted', async () => {
    const stop = new AbortController()
    const waiting = unlessAborted(never, stop.signal)
    stop.abort()
    expect(await waiting).toBeUndefined()
    expect(await unlessAborted(never, stop.signal)).toBeUndefined()
  })
})
