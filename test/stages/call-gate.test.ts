import { describe, expect, it } from 'vitest'
import type { Signal } from '../../src/core/signal/signal.ts'
import { CallGate } from '../../src/stages/call-gate.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { createMemoryBroker } from '../support/memory-broker.ts'
import { createMemoryHttp } from '../support/memory-http.ts'

function createGate() {
  const clock = createHandClock()
  const broker = createMemoryBroker(clock)
  const proven = { ...broker.groupSource({ groupId: 'g', topics: [] }), provenAt: () => 0 }
  const signals: Signal[] = []
  const gate = new CallGate({
    ...{ live: proven, retry: proven, sink: broker.sink(), http: createMemoryHttp(clock), clock },
    emit: (signal) => signals.push(signal),
    sessionTimeoutMs: 10_000,
    maxPending: 10,
  })
  return { gate, signals }
}

describe('the gate of calls', () => {
  it('is open once a check has found no reason against calls', () => {
    const { gate } = createGate()
    expect(gate.isOpen).toBe(false)
    expect(gate.check()).toBe(true)
    expect(gate.isOpen).toBe(true)
  })

  it('hands over the lines of the groups that drain soon, until they are released', () => {
    const { gate } = createGate()
    const lines = () => (['first', 'late'] as const).filter((line) => gate.isHandingOver(line))
    gate.prepare('retry', ['late'])
    expect(lines()).toEqual(['late'])
    gate.prepare('live', ['first', 'late'])
    expect(lines()).toEqual(['first', 'late'])
    gate.release('live')
    expect(lines()).toEqual(['late'])
    expect(gate.isLengthHeld('long')).toBe(true)
    gate.release('retry')
    expect(gate.isLengthHeld('long')).toBe(false)
  })

  it('holds calls of unknown length only when it is told so', () => {
    const { gate } = createGate()
    gate.prepare('live', ['first', 'late'])
    expect(gate.isLengthHeld('unknown')).toBe(false)
    gate.holdUnknown('live')
    expect([gate.isLengthHeld('unknown'), gate.isLengthHeld('short')]).toEqual([true, false])
    gate.release('live')
    expect(gate.isLengthHeld('unknown')).toBe(false)
  })

  it('is closed as soon as it is stopped, and says so, without a further check', () => {
    const { gate, signals } = createGate()
    gate.check()
    gate.stop()
    expect(gate.isOpen).toBe(false)
    expect(signals).toEqual([{ kind: 'calls.stopped', cause: 'stopping' }])
  })
})
