/** The monitor's page in a real Chromium while something is away: it says so, shows nothing stale, and goes on by itself. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { isSkipped, launchBrowser } from '../../support/chromium.ts'
import { resultWith } from '../../support/indexed-results.ts'
import { filledRig, now, open, rigWith, row } from '../../support/monitor-page.ts'
import { memoryOutcomes, type MonitorRig } from '../../support/monitor-rig.ts'

let browser: Browser
beforeAll(async () => {
  if (!isSkipped) browser = await launchBrowser()
})
afterAll(() => browser?.close())

const away = { code: 'monitor.not_readable', message: 'No Kafka broker answers at kafka:9092.' }
const refusal = { status: 503, json: away }

describe.skipIf(isSkipped)('the page, while something is away', () => {
  it.each(['/', '/hooks', '/dead-letters'])(
    'says on %s what is not read, and why',
    async (path) => {
      const trouble = 'User:monitor has no right to Read on topic auth.webhook.results: grant it'
      const { page } = await open(browser, await filledRig({ trouble }), path)
      const said = page.getByRole('alert').filter({ hasText: trouble })
      await said.waitFor()
      expect(await said.innerText()).toContain('auth.webhook.results is not read:')
      await page.getByRole('status').filter({ hasText: 'not reading' }).waitFor()
    },
  )

  it('says of a topic that does not exist that it is missing, not that nothing waits in it', async () => {
    const { page } = await open(browser, await rigWith({ absent: ['auth.events.other'] }), '/')
    const gone = page.getByRole('row').filter({ hasText: 'auth.events.other' })
    await gone.waitFor()
    expect(await gone.innerText()).toContain('does not exist')
  })

  it('does not show what another filter found when the monitor refuses to answer', async () => {
    const rig = await filledRig()
    const { page } = await open(browser, rig, '/hooks')
    await row(page, 'Bad receiver').waitFor()
    await page.route('**/api/hooks?**', (route) => route.fulfill(refusal))
    await page.getByLabel('Search hooks').fill('good')
    await page.getByText(away.message).waitFor()
    expect(await page.locator('a.row').count()).toBe(0)
  })

  it('keeps what it knows of the same, and says why there is nothing newer', async () => {
    const rig = await filledRig()
    const { page } = await open(browser, rig, '/hooks')
    await row(page, 'Bad receiver').waitFor()
    await page.route('**/api/hooks?**', (route) => route.fulfill(refusal))
    rig.changed()
    await page.getByText(away.message).waitFor()
    expect(await page.locator('a.row').count()).toBe(2)
  })

  it('says that where a delivery waits cannot be told, and why', async () => {
    const rig = await filledRig()
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.route('**/waiting**', (route) => route.fulfill(refusal))
    await page.goto(`${rig.origin}/deliveries/dlv_bad`)
    const notice = page.getByText('Where it waits now cannot be told')
    expect(await notice.innerText()).toContain(away.message)
  })

  it('does not say that a delivery waits which is found nowhere', async () => {
    const { page } = await open(browser, await filledRig(), '/deliveries/dlv_bad')
    await page.getByText('waits nowhere now').waitFor()
    expect(await page.getByText('Waits for its next attempt').count()).toBe(0)
  })

  it('shows that it reads what was sent for as long as that takes', async () => {
    const { page } = await open(browser, await filledRig(), '/deliveries/dlv_bad')
    const held = Promise.withResolvers<void>()
    await page.route('**/request', async (route) => {
      await held.promise
      await route.fulfill(refusal)
    })
    await page.getByRole('button', { name: 'Show what is sent' }).click()
    await page.getByText('Loading').waitFor()
    held.resolve()
    await page.getByText(away.message).waitFor()
    expect(await page.getByText('Loading').count()).toBe(0)
  })

  it('does not call empty what is not known: no requests, no hooks', async () => {
    const { page } = await open(browser, await rigWith(), '/')
    await page.getByText('No requests in this range.').waitFor()
    await page.getByText('There are no hooks.').waitFor()
    expect(await page.getByText('All endpoints are healthy').count()).toBe(0)
  })

  it('takes a stream that is silent for as dead, says so, and opens another', async () => {
    const rig = await filledRig()
    const { page } = await open(browser, rig, '/deliveries')
    await page.clock.install()
    await page.reload()
    await row(page, 'delivered').waitFor()
    await page.route('**/api/changes', (route) => route.abort())
    // The monitor sends something every 15 seconds.
    await page.clock.fastForward(50_000)
    await page.getByText('not connected').waitFor()
    const come = resultWith({ deliveryId: 'dlv_new', eventKey: 'User.Created', attemptedAt: now })
    rig.index.addResults([come], [], now)
    await page.unroute('**/api/changes')
    await page.clock.fastForward(5_000)
    await row(page, 'User.Created').waitFor()
    await page.getByText('not connected').waitFor({ state: 'detached' })
    expect(await page.getByRole('status').innerText()).toContain('results')
  })

  it('asks by itself, now and then, where too many pages are open for one more stream', async () => {
    const rig = await filledRig()
    const ending = new AbortController()
    onTestFinished(() => ending.abort())
    const streams = Array.from({ length: 64 }, () =>
      fetch(`${rig.origin}/api/changes`, { signal: ending.signal }),
    )
    for (const { status } of await Promise.all(streams)) expect(status).toBe(200)
    const { page } = await open(browser, rig, '/deliveries')
    await page.clock.install()
    await page.reload()
    await row(page, 'delivered').waitFor()
    const come = resultWith({ deliveryId: 'dlv_new', eventKey: 'User.Created', attemptedAt: now })
    rig.index.addResults([come], [], now)
    await expect
      .poll(async () => {
        await page.clock.fastForward(10_000)
        return await row(page, 'User.Created').count()
      })
      .toBe(1)
    expect(await page.getByText('not connected').count()).toBe(0)
  })

  it('sends again only what is chosen among what it shows', async () => {
    const rig: MonitorRig = await filledRig({ outcomes: memoryOutcomes(() => rig) })
    const { page } = await open(browser, rig, '/dead-letters')
    await page.getByLabel('Choose dlv_dead1').check()
    await page.getByRole('button', { name: 'Send 1 again' }).waitFor()
    await page.getByLabel('Reason').selectOption('exhausted')
    await page.getByRole('button', { name: 'Send chosen again' }).waitFor()
    expect(await page.locator('tbody input:checked').count()).toBe(0)
  })
})
