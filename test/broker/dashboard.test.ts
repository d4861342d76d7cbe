import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { startPrometheus, type Prometheus } from '../support/prometheus.ts'
import { surroundings } from '../support/sandbox.ts'
import { dashboard, keptDashboard, rows } from '../support/write-dashboard.ts'

/** As Grafana fills them in where all processes are chosen. */
const values = [
  ['$job', '.*'],
  ['$instance', '.*'],
  ['$__rate_interval', '1m'],
] as const

function filledIn(expression: string): string {
  return values.reduce((text, [name, value]) => text.replaceAll(name, value), expression)
}

async function isAnswered(prometheus: Prometheus, expression: string): Promise<boolean> {
  const samples = await prometheus.query(expression)
  return samples.length > 0 && samples.every(({ value }) => Number.isFinite(Number(value[1])))
}

describe('the dashboard', () => {
  it('is the one that its panels give', () => {
    expect(keptDashboard()).toBe(dashboard())
  })

  it('has a value for each of its queries, from a Prometheus that scrapes a process at work', async (context) => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'answers' })
    const run = await rig.run()
    await using prometheus = await startPrometheus(context, await run.port)
    // What is counted before the first scrape is in no rate.
    const isScraped = () => isAnswered(prometheus, 'hooktide_ready == 1')
    await expect.poll(isScraped, { timeout: 20_000, interval: 50 }).toBe(true)
    await rig.sendEvents({}, {}, {})
    const expressions = rows
      .flatMap(({ panels }) => panels.flatMap(({ queries }) => queries))
      .map(({ expression }) => filledIn(expression))
    const unanswered = async () => {
      const answers = await Promise.all(
        expressions.map(async (expression) => await isAnswered(prometheus, expression)),
      )
      return expressions.filter((_, index) => answers[index] !== true)
    }
    await expect.poll(unanswered, { timeout: 20_000, interval: 100 }).toEqual([])
  })
})
