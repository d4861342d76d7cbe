/** Traces of attempts, from the event's on (docs/operating.md, Traces). */
import { expect, it } from 'vitest'
import type { AttemptTrace, TracedAttempt, Tracing } from '../../src/ports.ts'
import { createRig, topics } from '../support/flow-rig.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const own = 'a'.repeat(32)

interface Spoken {
  readonly attempt: TracedAttempt
  readonly words: string[]
}

/** Spans that are numbered, of the event's trace or of one of their own. */
function createTraces(): { readonly tracing: Tracing; readonly spoken: Spoken[] } {
  const spoken: Spoken[] = []
  const attemptBegins = (attempt: TracedAttempt): AttemptTrace => {
    const words: string[] = []
    spoken.push({ attempt, words })
    const id = attempt.run.event.trace?.traceparent.slice(3, 35) ?? own
    const contextOf = (kind: string) => ({
      traceparent: `00-${id}-${kind.repeat(14)}${String(spoken.length).padStart(2, '0')}-01`,
      tracestate: undefined,
    })
    return {
      call: contextOf('c'),
      onward: contextOf('b'),
      answered: ({ kind }) => words.push(kind),
      recorded: (outcome) => words.push(outcome),
      acknowledged: () => words.push('acknowledged'),
    }
  }
  return { tracing: { attemptBegins, flush: () => Promise.resolve() }, spoken }
}

it('each attempt is told of its answer, its outcome and the acknowledgement, in this order', async () => {
  const { tracing, spoken } = createTraces()
  const rig = createRig({ tracing })
  rig.putHook({ id: 'a' })
  rig.script('https://a.example/', 500, 200)
  await rig.start()
  rig.sendEvent()
  await rig.clock.advance(60_000)
  expect(spoken.map(({ words }) => words)).toEqual([
    ['response', 'retrying', 'acknowledged'],
    ['response', 'delivered', 'acknowledged'],
  ])
  expect(spoken[0]?.attempt).toMatchObject({
    group: 'hooktide',
    source: { topic: 'auth.events', partition: 0, offset: 0 },
    shownUrl: 'https://a.example/',
  })
})

it('retries in another process join the trace that the first attempt began', async () => {
  const { tracing, spoken } = createTraces()
  const rig = createRig({ tracing })
  rig.putHook({ id: 'a' })
  rig.script('https://a.example/', 500)
  const one = await rig.start()
  rig.sendEvent()
  await rig.clock.advance(1_000)
  await Promise.all([one.processor.stop(0), rig.clock.advance(1_000)])
  rig.script('https://a.example/', 200)
  const two = await rig.start({ instance: 'two' })
  await rig.clock.advance(60_000)
  const sent = [one, two].map(({ http }) =>
    http.calls.map((call) => call.request.headers['traceparent']),
  )
  expect(sent).toEqual([[`00-${own}-${'c'.repeat(14)}01-01`], [`00-${own}-${'c'.repeat(14)}02-01`]])
  expect(spoken[1]?.attempt.run.event.trace?.traceparent).toBe(`00-${own}-${'b'.repeat(14)}01-01`)
})

it('an event with a trace keeps it, with what tracing systems add, in retries and dead letters too', async () => {
  const { tracing, spoken } = createTraces()
  const rig = createRig({ tracing })
  rig.putHook({ id: 'a' })
  rig.script('https://a.example/', 500)
  await rig.start()
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
  rig.sendEvent({}, { traceparent, tracestate: 'rojo=1' })
  await rig.clock.advance(30 * 60_000)
  const [letter] = rig.broker.read(topics.deadLetters)
  const headers = [...(letter?.headers ?? [])].filter(([name]) => name.startsWith('trace'))
  expect(headers.map(([name, value]) => `${name} ${value?.toString()}`)).toEqual([
    `traceparent ${traceparent}`,
    'tracestate rojo=1',
  ])
  expect(spoken).toHaveLength(4)
  for (const { attempt } of spoken) {
    expect(attempt.run.event.trace).toEqual({ traceparent, tracestate: 'rojo=1' })
  }
})

it('where nothing is traced, calls carry the trace of the event and records no more than it had', async () => {
  const rig = createRig()
  rig.putHook({ id: 'a' })
  rig.script('https://a.example/', 500, 200)
  const one = await rig.start()
  rig.sendEvent()
  rig.sendEvent({}, { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: 'rojo=1' })
  await rig.clock.advance(60_000)
  const sent = one.http.calls.map(({ request }) => request.headers)
  expect(sent.filter((headers) => 'traceparent' in headers).length).toBeGreaterThan(0)
  for (const { traceparent, tracestate } of sent) {
    expect(tracestate).toBe(traceparent === undefined ? undefined : 'rojo=1')
  }
  const retried = rig.broker.read(`${topics.retryPrefix}5s`)
  expect(retried).toHaveLength(1)
  expect([...(retried[0]?.headers ?? [])].map(([name]) => name)).not.toContain('traceparent')
})

it('an attempt whose retry is too large for its tier is told that the run is dead', async () => {
  const { tracing, spoken } = createTraces()
  const rig = createRig({ tracing })
  rig.putHook({ id: 'a' })
  rig.script('https://a.example/', 500)
  const tiny = { topic: `${topics.retryPrefix}tiny`, delayMs: 5_000 }
  rig.broker.createTopic(tiny.topic, { maxMessageBytes: 300 })
  await rig.start({ tiers: [tiny] })
  rig.sendEvent({ padding: 'x'.repeat(1_000) })
  await rig.clock.advance(100)
  expect(spoken.map(({ words }) => words)).toEqual([
    ['response', 'retrying', 'dead', 'acknowledged'],
  ])
})
