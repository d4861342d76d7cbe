/** The monitor's page in a real Chromium: each part's main path, by keyboard, on a phone, and with hostile records. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IndexedResult } from '../../../src/monitor/index/indexed-result.ts'
import { isSkipped, launchBrowser } from '../../support/chromium.ts'
import {
  addCopies,
  letterWith,
  memoryIndex,
  resultWith,
  retryingWith,
} from '../../support/indexed-results.ts'
import { eventOf } from '../../support/model-builders.ts'
import {
  healthWith,
  hookValue,
  memoryOutcomes,
  type MonitorRig,
} from '../../support/monitor-rig.ts'
import { filledRig, now, open, rigWith, row } from '../../support/monitor-page.ts'

let browser: Browser
beforeAll(async () => {
  if (!isSkipped) browser = await launchBrowser()
})
afterAll(() => browser?.close())

describe.skipIf(isSkipped)('the page of the monitor', () => {
  it('shows at a glance what succeeds, what fails and what waits', async () => {
    const { page, complaints } = await open(browser, await filledRig(), '/')
    await page.getByText('33.3 %').first().waitFor()
    await page.getByText('2 of 3 requests failed').waitFor()
    await page.getByText('3 results, 2 unreadable').waitFor()
    await page.locator('.chart canvas').nth(1).waitFor()
    const failing = page.locator('section', { hasText: 'Hooks that fail most' })
    await failing.last().getByRole('link', { name: 'Bad receiver' }).click()
    await page.getByRole('heading', { name: 'Bad receiver' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('finds a hook by its name, and shows why its endpoint is not called', async () => {
    const { page, complaints } = await open(browser, await filledRig(), '/hooks')
    await row(page, 'Good receiver').waitFor()
    await page.getByLabel('Search hooks').fill('bad rec')
    await row(page, 'Good receiver').waitFor({ state: 'detached' })
    await row(page, 'Bad receiver').click()
    await page.getByText('The endpoint is open: failures').waitFor()
    await row(page, 'retrying').waitFor()
    expect(await page.getByRole('button', { name: 'Delete' }).count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('makes a hook, and shows its signing key once', async () => {
    const rig: MonitorRig = await rigWith({ outcomes: memoryOutcomes(() => rig) })
    const { page } = await open(browser, rig, '/hooks')
    await page.getByRole('button', { name: 'New hook' }).click()
    await page.getByLabel('Name').fill('Mine')
    await page.getByLabel('Endpoint URL').fill('https://mine.example/in')
    await page.getByLabel('Events, apart by spaces').fill('PostSignIn User.Created')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText('made-signing-key').waitFor()
    await page.getByRole('button', { name: 'Open the hook' }).click()
    await page.getByRole('heading', { name: 'Mine' }).waitFor()
    expect(JSON.parse(rig.actions[0]?.[1].input?.toString() ?? '')).toEqual({
      name: 'Mine',
      events: ['PostSignIn', 'User.Created'],
      config: { url: 'https://mine.example/in' },
    })
  })

  it('disables a hook after a question', async () => {
    const rig: MonitorRig = await filledRig({ outcomes: memoryOutcomes(() => rig) })
    const { page } = await open(browser, rig, '/hooks/good')
    await page.getByRole('button', { name: 'Disable hook' }).click()
    expect(rig.actions).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Disable hook' }).click()
    await page.getByRole('button', { name: 'Enable hook' }).waitFor()
    expect(rig.actions).toEqual([['hooks disable', { args: ['good'] }]])
  })

  it('has one word for a disabled hook on all pages', async () => {
    const rig = await filledRig()
    await rig.putHook('off', hookValue('off', { name: 'Off', enabled: false }))
    for (const path of ['/', '/hooks', '/hooks/off', '/hooks?state=hook-disabled']) {
      const { page } = await open(browser, rig, path)
      const badge = page.locator('.badge', { hasText: /^hook-disabled$/ })
      await badge.waitFor()
      expect(await badge.count()).toBe(1)
    }
  })

  it('looks further back for what is rare when somebody asks for it', async () => {
    const index = memoryIndex()
    const rare = { deliveryId: 'dlv_rare', eventId: 'e-rare', eventKey: 'Rare.Event' }
    const at = { attemptedAt: now - 2_000 }
    index.addResults([resultWith({ ...at, ...rare }), resultWith(at)], [], now)
    addCopies(index, 60_000)
    const rig = await rigWith({ index })
    for (const path of [
      '/deliveries?eventKey=Rare.Event',
      '/events?by=eventKey&value=Rare.Event',
    ]) {
      const { page, complaints } = await open(browser, rig, path)
      const further = page.getByRole('button', { name: 'Look further back' })
      await further.click()
      await row(page, 'Rare.Event').waitFor()
      await further.waitFor({ state: 'detached' })
      // What is new takes nothing of it away.
      for (const round of ['asked', 'shown']) {
        const answer = page.waitForResponse(/limit=100$/)
        rig.changed()
        expect([round, (await answer).headers()['link']]).toMatchObject([
          round,
          expect.stringContaining('before='),
        ])
      }
      expect([await row(page, 'Rare.Event').count(), await further.count()]).toEqual([1, 0])
      expect(complaints).toEqual([])
    }
  })

  it('asks once for what is clicked twice', async () => {
    const sent = Promise.withResolvers<void>()
    const resend = async () => {
      await sent.promise
      return { code: 0, records: [], notes: [] }
    }
    const rig = await filledRig({ outcomes: { resend } })
    const { page } = await open(browser, rig, '/deliveries/dlv_good')
    await page.getByRole('button', { name: 'Send again' }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).dblclick()
    sent.resolve()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(rig.actions).toEqual([['resend', { args: ['dlv_good'] }]])
  })

  it('shows the timeline of a delivery, what was sent, and sends it again', async () => {
    const rig = await filledRig({
      outcomes: {},
      request: { body: '{"event":"PostSignIn","userId":"u2"}' },
      waiting: [
        {
          run: 'auth.events/0/2',
          attempt: 2,
          dueAt: now + 90_000,
          place: 'auth.webhook.retry.5s/0/7',
        },
      ],
    })
    const { page, complaints } = await open(browser, rig, '/deliveries/dlv_bad')
    await page.getByText('attempt 2 of 10').waitFor()
    await page.getByText('Waits for its next attempt').waitFor()
    await page.getByText('auth.webhook.retry.5s/0/7').waitFor()
    const next = await page.locator('li.next time').getAttribute('datetime')
    expect(next).toBe(new Date(now + 90_000).toISOString())
    expect(await page.locator('.phases').count()).toBe(2)
    expect(await page.locator('pre', { hasText: 'busy' }).count()).toBe(2)
    await page.getByRole('button', { name: 'Show what is sent' }).click()
    await page.getByText('"userId": "u2"').waitFor()
    await page.getByText('authorization: (hidden)').waitFor()
    await page.getByRole('button', { name: 'Retry now' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retry now' }).click()
    await page.getByText('Asked for').waitFor()
    expect(rig.actions).toEqual([['resend', { args: ['dlv_bad'] }]])
    expect(complaints).toEqual([])
  })

  it('says of a run without an end that it waits nowhere, where that is so', async () => {
    const rig = await filledRig({ waiting: [] })
    const { page, complaints } = await open(browser, rig, '/deliveries/dlv_bad')
    await page.locator('li.next', { hasText: 'waits nowhere now' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('answers what became of the events of a user', async () => {
    const { page, complaints } = await open(browser, await filledRig(), '/events')
    await row(page, 'u1').waitFor()
    await page.getByLabel('Search events').fill('u2')
    await page.getByLabel('Search events').press('Enter')
    await row(page, 'u1').waitFor({ state: 'detached' })
    await row(page, 'u2').click()
    await page.getByText('What became of it, by hook').waitFor()
    await row(page, 'bad').click()
    await page.getByText('attempt 2 of 10').waitFor()
    expect(complaints).toEqual([])
  })

  it('shows which hooks were not called for an event, and why', async () => {
    const source = { topic: 'auth.events', partition: 0, offset: 2 }
    const named = { tenantId: 'default', eventId: 'event-of-dlv_bad' }
    const record = { event: eventOf({ ...named, source }), writtenAt: now }
    const rig = await filledRig({ record })
    await rig.putHook('off', hookValue('off', { enabled: false }))
    const path = '/events/default/event-of-dlv_bad'
    const { page, complaints } = await open(browser, rig, path)
    await page.getByRole('row', { name: 'off it is disabled' }).waitFor()
    expect(await page.getByRole('row', { name: 'bad ' }).count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('counts dead letters before it sends those that were chosen again', async () => {
    const rig = await filledRig({ outcomes: {} })
    const { page, complaints } = await open(browser, rig, '/dead-letters')
    await page.getByLabel('Choose dlv_dead2').check()
    await page.getByRole('button', { name: 'Send 1 again' }).click()
    await page.getByText('1 delivery would be sent again').waitFor()
    expect(rig.actions).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click()
    await page.getByText('1 delivery asked for').waitFor()
    expect(rig.actions).toEqual([['resend', { args: ['dlv_dead2'] }]])
    expect(complaints).toEqual([])
  })

  it('says when there is no such thing, and when the monitor is away', async () => {
    const rig = await filledRig()
    const { page } = await open(browser, rig, '/deliveries/dlv_nobody')
    await page.getByText('No result of dlv_nobody is in the window.').waitFor()
    await rig[Symbol.asyncDispose]()
    await page.getByText('not connected').waitFor()
    expect(await page.title()).toContain('Deliveries')
  })

  it('asks for the token, and goes on with it', async () => {
    const { page } = await open(
      browser,
      await filledRig({ token: 'a-token-of-some-length' }),
      '/hooks',
    )
    await page.getByLabel('Token').fill('a-token-of-some-length')
    await page.getByRole('button', { name: 'Go on' }).click()
    await row(page, 'Good receiver').waitFor()
    expect(await page.evaluate('localStorage.length + document.cookie.length')).toBe(0)
  })
})

describe.skipIf(isSkipped)('the page by keyboard', () => {
  it('goes from part to part, from row to row, and into a row', async () => {
    const { page } = await open(browser, await filledRig(), '/')
    await page.getByText('33.3 %').first().waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await row(page, 'Good receiver').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Bad receiver')
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Good receiver' }).waitFor()
  })

  it('searches, leaves the field, and shows its keys', async () => {
    const { page } = await open(browser, await filledRig(), '/hooks')
    await row(page, 'Good receiver').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('bad')
    await row(page, 'Good receiver').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await page.getByLabel('Search hooks').inputValue()).toBe('bad')
  })
})

const paths = [
  ...['/', '/hooks', '/hooks/bad', '/deliveries', '/deliveries/dlv_bad'],
  ...['/events', '/events/default/event-of-dlv_bad', '/dead-letters'],
]

describe.skipIf(isSkipped)('the page on a phone', () => {
  it.each(paths)('shows %s within 375 pixels, in the dark too', async (path) => {
    const viewport = { width: 375, height: 700 }
    const { page, complaints } = await open(browser, await filledRig({ outcomes: {} }), path, {
      viewport,
      colorScheme: 'dark',
    })
    await page.locator('a.row, table, .timeline, .chart').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375)
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(background).toBe('rgb(18, 23, 26)')
    expect(complaints).toEqual([])
  })
})

/** Text that would run, or load, or become an element, wherever it were taken for markup. */
const canary = `"'><img src=x onerror="alert('canary')"><script>alert('canary')</script><b id="canary">\${alert('canary')}`

function hostile(result: IndexedResult): IndexedResult {
  const kept = ['run', 'deliveryId', 'outcome', 'tenantId', 'eventId', 'hookId']
  const fields = Object.entries(result).map(([name, value]) => [
    name,
    (typeof value === 'string' || value === null) &&
    !kept.includes(name) &&
    name !== 'unmatchedHooks' &&
    !/Ms$|At$|attempt|status|max/i.test(name)
      ? `${name} ${canary}`
      : value,
  ])
  return { ...result, ...Object.fromEntries(fields) }
}

describe.skipIf(isSkipped)('the page with hostile records', () => {
  it.each([
    ...['/', '/hooks', '/deliveries', '/events', '/dead-letters', '/deliveries/d'],
    ...[`/hooks/${encodeURIComponent(canary)}`, `/deliveries/${encodeURIComponent(canary)}`],
    `/events/${encodeURIComponent(canary)}/${encodeURIComponent(canary)}`,
    `/events?by=userId&value=${encodeURIComponent(canary)}`,
  ])('shows every value of %s as text', async (path) => {
    const rig = await rigWith({ outcomes: {}, request: { body: canary } })
    const bare = { config: { url: `https://x.example/${canary}`, headers: { 'x-a': canary } } }
    await rig.putHook('h', hookValue('h', { name: canary, delivery: { filter: canary }, ...bare }))
    await rig.putHook('s', {
      id: 's',
      name: canary,
      events: [canary],
      tenantId: canary,
      config: canary,
    })
    const unmatchedHooks = [{ hookId: canary, reason: canary }]
    await rig.putHook('k', hookValue('k', { name: canary, tenantId: 't', events: ['A.B'] }))
    for (const hookId of ['h', 'k', canary]) {
      rig.endpoints.set(hookId, { ...healthWith({ hookId, reason: canary }), tenantId: canary })
    }
    const inAll = { deliveryId: canary, hookId: canary, tenantId: canary, eventId: canary }
    rig.index.addResults(
      [
        { ...hostile(retryingWith({ deliveryId: 'd', attemptedAt: now })), unmatchedHooks },
        hostile(resultWith({ deliveryId: 'd', run: canary, attemptedAt: now })),
        hostile(retryingWith({ ...inAll, outcome: canary, attemptedAt: now })),
      ],
      [],
      now,
    )
    const letter = { eventKey: canary, reason: canary, diedAt: now, topic: canary }
    rig.index.addLetters(
      [
        letterWith({ ...inAll, ...letter }),
        letterWith({ ...letter, deliveryId: 'd', partition: 1 }),
      ],
      [],
      now,
    )
    const { page, complaints } = await open(browser, rig, path)
    await page.locator('a.row, table, .timeline, .empty, .notice').first().waitFor()
    const sent = page.getByRole('button', { name: 'Show what is sent' })
    if ((await sent.count()) > 0) {
      await sent.click()
      await page.locator('pre', { hasText: 'onerror' }).last().waitFor()
    }
    const shown = path.startsWith('/events?')
      ? page.locator('input[type=search]')
      : page.getByText('onerror')
    await shown.first().waitFor({ state: 'attached' })
    expect(await page.locator('#canary, img, #app script').count()).toBe(0)
    expect(complaints.filter((text) => !/404/.test(text))).toEqual([])
  })
})

describe.skipIf(isSkipped)('long lists', () => {
  it('hold a few rows of many, and go on to the last', async () => {
    const index = memoryIndex()
    const results = Array.from({ length: 450 }, (_, at) =>
      resultWith({ deliveryId: `dlv_${at}`, run: `r/0/${at}`, attemptedAt: now - 500 + at }),
    )
    index.addResults(results, [], now)
    const rig = await rigWith({ index })
    const { page } = await open(browser, rig, '/deliveries')
    await page.locator('a.row').first().waitFor()
    for (let turn = 0; turn < 7; turn += 1) {
      await page.evaluate('scrollTo(0, document.body.scrollHeight)')
      await expect
        .poll(async () => Number(await page.locator('.list').getAttribute('data-count')))
        .toBeGreaterThanOrEqual(Math.min(450, 100 * (turn + 1)))
    }
    expect(await page.locator('a.row').count()).toBeLessThan(80)
    await page.locator('a.row').last().click()
    await page.getByText('dlv_0', { exact: true }).waitFor()
  })
})
