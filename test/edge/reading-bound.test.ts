import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { boundReading } from '../../src/edge/reading-bound.ts'

function startExchange() {
  const [socket, response] = [new Socket(), new EventEmitter()]
  boundReading({ socket }, response as never, 60_000)
  return { socket, response }
}

describe('a client that does not read its answer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('loses its connection a minute after the answer was written', () => {
    const { socket, response } = startExchange()
    // An answer may take long to be made.
    vi.advanceTimersByTime(600_000)
    response.emit('prefinish')
    vi.advanceTimersByTime(59_999)
    expect(socket.destroyed).toBe(false)
    vi.advanceTimersByTime(1)
    expect(socket.destroyed).toBe(true)
  })

  it('keeps it if it has read the answer by then', () => {
    const { socket, response } = startExchange()
    response.emit('prefinish')
    response.emit('close')
    vi.advanceTimersByTime(600_000)
    expect(socket.destroyed).toBe(false)
  })
})
