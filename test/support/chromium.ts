/** A real browser for tests of the page: Debian's Chromium. */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** `undefined` if it is not installed. If CI is set, tests fail then. */
const browserPath = paths.find((path) => existsSync(path))
export const isSkipped = browserPath === undefined && process.env['CI'] === undefined

export async function launchBrowser(): Promise<Browser> {
  if (browserPath === undefined) throw new Error(`there is no Chromium: tried ${paths.join(', ')}`)
  return await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] })
}

export interface Opened extends AsyncDisposable {
  readonly page: Page
  /** What went wrong in the page: errors, refused scripts, failed requests. */
  readonly complaints: readonly string[]
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(url)
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
}
