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

  it('is closed as soon as it is stopped, and says so, without a further check', () => {
    const { gate, signals } = createGate()
    gate.check()
    gate.stop()
    expect(gate.isOpen).toBe(false)
    expect(signals).toEqual([{ kind: 'calls.stopped', cause: 'stopping' }])
  })
})
