/** What tests of the monitor's page share: a monitor with a few records, and pages that are closed with their test. */
import type { Browser, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { openPage } from './chromium.ts'
import { letterWith, resultWith, retryingWith } from './indexed-results.ts'
import {
  healthWith,
  hookValue,
  startMonitorRig,
  type MonitorRig,
  type MonitorRigOptions,
} from './monitor-rig.ts'

export const now = Date.now()

export async function rigWith(options: MonitorRigOptions = {}): Promise<MonitorRig> {
  const rig = await startMonitorRig({ now: Date.now, ...options })
  onTestFinished(() => rig[Symbol.asyncDispose]())
  return rig
}

/** Two hooks, one of which fails. */
export async function filledRig(options: MonitorRigOptions = {}): Promise<MonitorRig> {
  const rig = await rigWith(options)
  await rig.putHook('good', hookValue('good', { name: 'Good receiver', createdAt: 2 }))
  await rig.putHook('bad', hookValue('bad', { name: 'Bad receiver', createdAt: 1 }))
  rig.endpoints.set('bad', healthWith({ hookId: 'bad', since: now - 60_000, until: now + 60_000 }))
  const failed = { hookId: 'bad', deliveryId: 'dlv_bad', run: 'auth.events/0/2', userId: 'u2' }
  rig.index.addResults(
    [
      resultWith({
        hookId: 'good',
        deliveryId: 'dlv_good',
        userId: 'u1',
        attemptedAt: now - 3_000,
      }),
      retryingWith({ ...failed, attemptedAt: now - 2_000, nextDueAt: now + 60_000 }),
      retryingWith({ ...failed, attempt: 2, attemptedAt: now - 1_000, nextDueAt: now + 60_000 }),
    ],
    [],
    now,
  )
  rig.index.addLetters(
    [1, 2].map((offset) =>
      letterWith({ offset, deliveryId: `dlv_dead${offset}`, hookId: 'bad', diedAt: now - offset }),
    ),
    [],
    now,
  )
  return rig
}

export async function open(
  browser: Browser,
  rig: MonitorRig,
  path: string,
  options?: Parameters<typeof openPage>[2],
) {
  const opened = await openPage(browser, rig.origin + path, options)
  onTestFinished(() => opened[Symbol.asyncDispose]())
  return opened
}

export function row(page: Page, text: string) {
  return page.locator('a.row', { hasText: text })
}
