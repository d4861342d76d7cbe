/**
 * How fast the monitor answers over a full window: `node_modules/.bin/node test/bench/monitor.ts [results]`. It needs no broker.
 * It prints how long the index takes to fill, what it takes of disk and memory, how long each route takes, and, where there is
 * a Chromium, how long the first screen takes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ResultIndex } from '../../src/monitor/index/result-index.ts'
import { isSkipped, launchBrowser } from '../support/chromium.ts'
import { dayMs, letterWith, resultWith, retryingWith } from '../support/indexed-results.ts'
import { hookValue, startMonitorRig } from '../support/monitor-rig.ts'

const count = Number(process.argv[2] ?? 1_000_000)
const hooks = 1_000
const batch = 5_000
const now = Date.now()
const folder = mkdtempSync(join(tmpdir(), 'hooktide-bench-'))

function resultAt(at: number) {
  const attemptedAt = now - dayMs + 60_000 + Math.floor((at / count) * (dayMs - 120_000))
  const fields = {
    deliveryId: `dlv_${String(at).padStart(22, 'x')}`,
    run: `auth.events/${at % 12}/${at}`,
    hookId: `hook${String((at * 7_919) % hooks).padStart(17, '0')}`,
    tenantId: `tenant${at % 50}`,
    eventId: `event-${Math.floor(at / 2)}-0123456789abcdef`,
    eventKey: at % 3 === 0 ? 'User.Created' : 'PostSignIn',
    userId: `user${at % 20_000}`,
    sourceKey: `user${at % 20_000}`,
    totalMs: 5 + ((at * 7_919) % 400),
    sourceOffset: at,
    eventAt: attemptedAt - 200,
    attemptedAt,
  }
  return at % 50 === 0
    ? retryingWith({ ...fields, responseBody: 'x'.repeat(200), nextDueAt: now + 60_000 })
    : resultWith(fields)
}

function median(values: readonly number[]): string {
  const sorted = values.toSorted((one, other) => one - other)
  return `${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(1)} ms`
}

async function timesOf(work: () => Promise<unknown>, rounds: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now()
    await work()
    times.push(performance.now() - startedAt)
  }
  return times
}

async function main(): Promise<void> {
  const bounds = { windowMs: dayMs, maxResults: count, maxBytes: 8e9 }
  const index = new ResultIndex(join(folder, 'index.sqlite'), 'bench', bounds)
  const startedAt = performance.now()
  for (let start = 0; start < count; start += batch) {
    const size = Math.min(batch, count - start)
    const results = Array.from({ length: size }, (_, at) => resultAt(start + at))
    index.addResults(results, [{ topic: 'results', partition: 0, next: start + size }], now)
  }
  const seconds = (performance.now() - startedAt) / 1_000
  const letters = Array.from({ length: 2_000 }, (_, offset) => letterWith({ offset, diedAt: now }))
  index.addLetters(letters, [], now)
  console.log(
    `filled    ${count} results in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} a second`,
  )
  console.log(`disk      ${Math.round(index.store.usedBytes() / 1e6)} MB`)
  console.log(`memory    ${Math.round(process.memoryUsage.rss() / 1e6)} MB`)
  await using rig = await startMonitorRig({ index, now: Date.now })
  for (let at = 0; at < hooks; at += 1) {
    const id = `hook${String(at).padStart(17, '0')}`
    await rig.putHook(id, hookValue(id))
  }
  const paths = [
    ...['/api/overview', '/api/overview?from=1h', '/api/hooks?includeExecutionStats=true'],
    ...['/api/hooks/hook00000000000000007/traffic', '/api/hooks/hook00000000000000007/recent-logs'],
    ...['/api/deliveries', '/api/deliveries?outcome=retrying', '/api/events?userId=user77'],
    ...['/api/stats?by=hook', '/api/dead-letters'],
  ]
  for (const path of paths) {
    const times = await timesOf(async () => {
      // Nothing that was answered before counts.
      rig.changed()
      return await (await rig.get(path)).text()
    }, 9)
    console.log(`${median(times).padStart(9)}  ${path}`)
  }
  if (isSkipped) return
  const browser = await launchBrowser()
  const page = await browser.newPage()
  await page.goto(`${rig.origin}/hooks`)
  const times = await timesOf(async () => {
    rig.changed()
    await page.goto(rig.origin)
    await page.locator('.tile-value').first().waitFor()
  }, 9)
  console.log(`${median(times).padStart(9)}  first screen in Chromium`)
  await browser.close()
}

await main().finally(() => rmSync(folder, { recursive: true }))
