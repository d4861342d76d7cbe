/** The monitor's page in a real Chromium with values as long as records can have them: nothing is cut off or pushed away. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSkipped, launchBrowser } from '../../support/chromium.ts'
import { letterWith, resultWith, retryingWith } from '../../support/indexed-results.ts'
import { now, open, rigWith } from '../../support/monitor-page.ts'
import {
  healthWith,
  hookValue,
  memoryOutcomes,
  type MonitorRig,
} from '../../support/monitor-rig.ts'

let browser: Browser
beforeAll(async () => {
  if (!isSkipped) browser = await launchBrowser()
})
afterAll(() => browser?.close())

const long = (text: string, length = 200) => text.repeat(length)
const [tenantId, eventId, deliveryId] = [long('T'), long('E'), `dlv_${long('Q')}`]

async function rigOfLongValues(): Promise<MonitorRig> {
  const rig: MonitorRig = await rigWith({ outcomes: memoryOutcomes(() => rig) })
  await rig.putHook(
    'long',
    hookValue('long', {
      ...{
        name: long('N'),
        tenantId,
        events: Array.from({ length: 40 }, (_, at) => `Event.${at}`),
      },
      config: { url: `https://x.example/${long('p', 1_500)}`, headers: { 'x-a': long('v', 900) } },
      delivery: { filter: `event.userId == "${long('f', 900)}"` },
    }),
  )
  await rig.putHook('off', hookValue('off', { enabled: false }))
  await rig.putHook('open', hookValue('open'))
  rig.endpoints.set('long', healthWith({ hookId: 'long', since: now - 60_000 }))
  rig.endpoints.set('open', healthWith({ hookId: 'open', since: now - 90_000_000 }))
  const named = { deliveryId, hookId: 'long', tenantId, eventId, eventKey: `Key.${long('k')}` }
  const others = { userId: long('U'), sourceKey: long('K'), instance: long('i') }
  const run = { run: `${long('t')}/0/2`, sourceTopic: long('s'), errorMessage: long('e', 900) }
  const answer = { responseBody: long('r', 3_000), attemptedAt: now, nextDueAt: now + 60_000 }
  rig.index.addResults(
    [
      retryingWith({ ...named, ...others, ...run, ...answer }),
      resultWith({ hookId: long('H'), attemptedAt: now - 86_000_000, totalMs: 99_000_000 }),
    ],
    [],
    now,
  )
  const letter = { diedAt: now - 80_000_000, reason: 'endpoint-disabled' }
  rig.index.addLetters(
    [
      letterWith({ ...named, ...letter }),
      letterWith({ ...letter, offset: 1, hookId: long('H'), deliveryId: 'dlv_short' }),
    ],
    [],
    now,
  )
  return rig
}

/** What sticks out of the box that it is cut off by, or needs to be scrolled to sideways. */
async function cutOff(page: Page): Promise<unknown> {
  return await page.evaluate(`
    [...document.querySelectorAll('.top nav a, .badge, button, select, .tile-value, td time, .scroll')]
      .filter((one) => {
        if (one.matches('.scroll')) return one.scrollWidth > one.clientWidth + 1
        const box = one.getBoundingClientRect()
        const around = one.parentElement.getBoundingClientRect()
        return box.width > 0 && box.right > Math.min(around.right, innerWidth) + 1
      })
      .map((one) => one.outerHTML.slice(0, 120))`)
}

const paths = [
  ...['/', '/hooks', '/hooks/long', '/deliveries', `/deliveries/${deliveryId}`, '/events'],
  ...[`/events/${tenantId}/${eventId}`, '/dead-letters'],
]

describe.skipIf(isSkipped).each([375, 768, 1000, 1280])('long values at %i pixels', (width) => {
  it.each(paths)('fit %s', async (path) => {
    const viewport = { width, height: 800 }
    const { page } = await open(browser, await rigOfLongValues(), path, { viewport })
    await page.locator('a.row, table, .timeline, .chart').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    expect(await cutOff(page)).toEqual([])
  })

  it('leave of dead letters everything to be seen that is needed to choose', async () => {
    const viewport = { width, height: 800 }
    const { page } = await open(browser, await rigOfLongValues(), '/dead-letters', { viewport })
    const choice = page.getByLabel('Choose dlv_short')
    await choice.check()
    await page.getByRole('button', { name: 'Send 1 again' }).waitFor()
    const delivery = page.getByRole('link', { name: 'dlv_short' })
    const box = await delivery.boundingBox()
    expect((box?.x ?? width) + (box?.width ?? 0)).toBeLessThanOrEqual(width)
  })

  it('draw no line where a list is empty', async () => {
    const viewport = { width, height: 800 }
    const { page } = await open(browser, await rigWith(), '/deliveries', { viewport })
    await page.getByText('Nothing in the window is like that.').waitFor()
    const display = `getComputedStyle(document.querySelector('.list')).display`
    expect(await page.evaluate(display)).toBe('none')
  })
})
