/** The monitor's page in a real Chromium, while records come: lists, tabs, and a monitor that was away. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { isSkipped, launchBrowser } from '../../support/chromium.ts'
import { resultWith, retryingWith } from '../../support/indexed-results.ts'
import { filledRig, now, open, rigWith, row } from '../../support/monitor-page.ts'

let browser: Browser
beforeAll(async () => {
  if (!isSkipped) browser = await launchBrowser()
})
afterAll(() => browser?.close())

describe.skipIf(isSkipped)('the page, live', () => {
  it('shows a result that was read meanwhile, at the top of the list and of its delivery', async () => {
    const rig = await filledRig()
    const { page } = await open(browser, rig, '/deliveries')
    await row(page, 'retrying').waitFor()
    const delivered = { hookId: 'bad', deliveryId: 'dlv_bad', run: 'auth.events/0/2', attempt: 3 }
    rig.index.addResults([resultWith({ ...delivered, attemptedAt: now })], [], now)
    rig.changed()
    await row(page, 'retrying').waitFor({ state: 'detached' })
    expect(await page.locator('a.row').count()).toBe(2)
    await page.locator('a.row').first().click()
    await page.getByText('attempt 3 of 10').waitFor()
  })

  it('drops from a list what does not fit its filter any more', async () => {
    const rig = await filledRig()
    const waits = { hookId: 'bad', deliveryId: 'dlv_other', run: 'auth.events/0/9' }
    rig.index.addResults([retryingWith({ ...waits, attemptedAt: now, nextDueAt: now })], [], now)
    const { page } = await open(browser, rig, '/deliveries?show=open')
    await expect.poll(() => page.locator('a.row').count()).toBe(2)
    rig.index.addResults([resultWith({ ...waits, attempt: 2, attemptedAt: now })], [], now)
    rig.changed()
    await expect.poll(() => page.locator('a.row').count()).toBe(1)
    await page.locator('a.row[href="/deliveries/dlv_bad"]').waitFor()
  })

  it('has no hole in a list where more has come than a page holds', async () => {
    const rig = await rigWith()
    const add = (from: number, count: number) => {
      const results = Array.from({ length: count }, (_, at) =>
        resultWith({ deliveryId: `d${from + at}`, attemptedAt: now }),
      )
      rig.index.addResults(results, [], now)
    }
    add(0, 5)
    const { page } = await open(browser, rig, '/deliveries')
    await page.locator('a.row[href="/deliveries/d4"]').waitFor()
    add(5, 150)
    rig.changed()
    await page.locator('a.row[href="/deliveries/d154"]').waitFor()
    const listed = async () => {
      await page.evaluate('scrollTo(0, document.body.scrollHeight)')
      return await page.locator('.list').getAttribute('data-count')
    }
    await expect.poll(listed).toBe('155')
  })

  it('keeps no more of what came while it was open than somebody looks at, and finds the rest again', async () => {
    const rig = await rigWith()
    let added = 0
    const add = (count: number) => {
      const results = Array.from({ length: count }, () =>
        resultWith({ deliveryId: `d${(added += 1)}`, attemptedAt: now }),
      )
      rig.index.addResults(results, [], now)
    }
    add(50)
    const { page } = await open(browser, rig, '/deliveries')
    const newest = () => page.locator(`a.row[href="/deliveries/d${added}"]`).waitFor()
    await newest()
    for (let time = 0; time < 26; time += 1) {
      add(90)
      await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
      await newest()
    }
    const listed = async () => Number(await page.locator('.list').getAttribute('data-count'))
    expect(await listed()).toBe(2_000)
    await expect
      .poll(async () => {
        await page.evaluate('scrollTo(0, document.body.scrollHeight)')
        return await listed()
      })
      .toBe(added)
  })

  it('shows what its filter says, when the answer for another one comes late', async () => {
    const { page } = await open(browser, await filledRig(), '/deliveries')
    await row(page, 'retrying').waitFor()
    const held = Promise.withResolvers<void>()
    const isHeld = Promise.withResolvers<void>()
    await page.route('**/api/deliveries?outcome=dead**', async (route) => {
      isHeld.resolve()
      await held.promise
      await route.continue().catch(() => undefined)
    })
    await page.getByLabel('Outcome').selectOption('dead')
    await isHeld.promise
    await page.getByLabel('Outcome').selectOption('delivered')
    await row(page, 'delivered').waitFor()
    const late = page.waitForEvent('requestfinished', { timeout: 3_000 }).catch(() => undefined)
    held.resolve()
    await late
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
    expect(await row(page, 'delivered').count()).toBe(1)
  })

  it('works in more tabs than a browser makes connections, all of them live', async () => {
    const rig = await filledRig()
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const tabs: Page[] = []
    for (let count = 0; count < 8; count += 1) {
      const page = await context.newPage()
      await page.goto(`${rig.origin}/deliveries`)
      await row(page, 'delivered').waitFor()
      tabs.push(page)
    }
    const come = resultWith({ deliveryId: 'dlv_new', eventKey: 'User.Created', attemptedAt: now })
    rig.index.addResults([come], [], now)
    rig.changed()
    for (const page of tabs) await row(page, 'User.Created').waitFor()
    // The tab that held the stream goes: another one takes it over.
    await tabs[0]?.close()
    const later = { ...come, deliveryId: 'dlv_later', run: 'r2', eventKey: 'User.Deleted' }
    rig.index.addResults([later], [], now)
    rig.changed()
    for (const page of tabs.slice(1)) await row(page, 'User.Deleted').waitFor()
    const texts = await Promise.all(
      tabs.slice(1).map((page) => page.getByRole('status').innerText()),
    )
    expect(texts.join()).not.toContain('not connected')
  })

  it('goes on after the monitor was away', async () => {
    const rig = await filledRig()
    const { page } = await open(browser, rig, '/')
    await page.getByText('33.3 %').first().waitFor()
    await page.context().setOffline(true)
    await page.context().setOffline(false)
    rig.index.addResults(
      [resultWith({ hookId: 'good', deliveryId: 'dlv_3', attemptedAt: now })],
      [],
      now,
    )
    const tell = setInterval(() => rig.changed(), 200)
    onTestFinished(() => clearInterval(tell))
    await page.getByText('2 of 4 requests failed').waitFor()
    expect(await page.getByText('50.0 %').count()).toBe(1)
  })
})
