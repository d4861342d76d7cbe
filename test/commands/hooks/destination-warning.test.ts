/** Warnings that calls for a hook would be refused. */
import { describe, expect, it } from 'vitest'
import { examineNames } from '../../../src/commands/doctor/examinations.ts'
import { draftsOf, warnOf } from '../../../src/commands/hooks/drafts.ts'
import { createHookReading } from '../../../src/commands/hooks/topic.ts'
import { readSettings } from '../../../src/settings/settings.ts'
import { recordOf } from '../../support/record-builders.ts'

const privateAddress =
  'an address that is not public: calls are refused unless HOOKTIDE_ALLOW_CIDRS has its range'

interface Urls {
  readonly url?: string
  readonly tokenUrl?: string
}

function hookOf(id: string, { url = 'https://1.1.1.1/', tokenUrl }: Urls): Buffer {
  const oauth = { tokenUrl, clientId: 'client', clientSecret: 'secret' }
  return Buffer.from(
    JSON.stringify({
      ...{ id, tenantId: 'default', events: ['PostSignIn'], signingKey: 'k'.repeat(32) },
      config: { url },
      ...(tokenUrl === undefined ? {} : { delivery: { oauth } }),
    }),
  )
}

function settingsOf(environment: Readonly<Record<string, string>>) {
  return readSettings({ KAFKA_BROKERS: 'localhost:9092', ...environment })
}

/** As `hooks put`, `hooks create` and `hooks import` warn. */
async function warnings(
  urls: Urls | readonly Urls[],
  environment = {},
): Promise<readonly string[]> {
  const notes: string[] = []
  const values = [urls].flat().map((one, at) => ({
    place: at === 0 ? '' : `[${at}]`,
    line: 1,
    bytes: hookOf(`mine${at}`, one),
  }))
  const drafts = draftsOf(values, { stored: new Map(), keys: [] })
  await warnOf(drafts, { settings: settingsOf(environment), note: (text) => notes.push(text) })
  return notes
}

/** As `doctor` warns. */
async function findings(...all: readonly Urls[]): Promise<readonly string[]> {
  const settings = settingsOf({})
  const reading = createHookReading(settings, [])
  for (const [at, urls] of all.entries()) {
    await reading.take(
      recordOf({ key: Buffer.from(`hook${at}`), value: hookOf(`hook${at}`, urls) }),
    )
  }
  const found = await examineNames({ settings }, [...reading.hooks.values()])
  return found.map(({ message }) => message)
}

describe('a hook that is written', () => {
  it.each<[string, Urls]>([
    ['config.url', { url: 'https://10.0.0.1/hook' }],
    ['delivery.oauth.tokenUrl', { tokenUrl: 'https://10.0.0.1/token' }],
  ])('is warned of if %s leads to a private address', async (field, urls) => {
    expect(await warnings(urls)).toEqual([`warning: ${field} leads to ${privateAddress}`])
    expect(await warnings(urls, { HOOKTIDE_ALLOW_CIDRS: '10.0.0.0/8' })).toEqual([])
  })

  it('is warned of if its token endpoint is plain http, refused or not', async () => {
    const urls = { tokenUrl: 'http://1.1.1.1/token' }
    const field = 'delivery.oauth.tokenUrl is plain http'
    const inPlainText = `warning: ${field}: the secret of the client crosses the network in plain text`
    expect(await warnings(urls)).toEqual([
      inPlainText,
      `warning: ${field}: calls are refused unless HOOKTIDE_ALLOW_HTTP is true`,
    ])
    expect(await warnings(urls, { HOOKTIDE_ALLOW_HTTP: 'true' })).toEqual([inPlainText])
  })

  it('is warned of each of its URLs, also if they are the same', async () => {
    const url = 'https://169.254.169.254/'
    expect(await warnings({ url, tokenUrl: url })).toEqual([
      'warning: config.url leads to an address that cannot be allowed: it will not be called',
      'warning: delivery.oauth.tokenUrl leads to an address that cannot be allowed: it will not be called',
    ])
  })

  it('is warned of with the field of a name that does not resolve', async () => {
    expect(await warnings({ tokenUrl: 'https://nowhere.invalid/token' })).toEqual([
      'warning: delivery.oauth.tokenUrl: nowhere.invalid does not resolve on this machine',
    ])
  })
})

describe('many hooks that are written', () => {
  it('are looked up by host, the first 200 of them', async () => {
    const many = (host: (at: number) => string) =>
      Array.from({ length: 1_000 }, (_, at) => ({ url: `https://${host(at)}.invalid/${at}` }))
    expect(await warnings(many((at) => `host${at}`))).toHaveLength(200)
    expect(await warnings(many(() => 'one'))).toHaveLength(1_000)
  })
})

describe('doctor', () => {
  it('names the hooks that would not be called, and those that would get no token', async () => {
    expect(
      await findings(
        { url: 'https://10.0.0.1/one' },
        { url: 'https://10.0.0.1/two', tokenUrl: 'https://10.0.0.1/token' },
        { tokenUrl: 'https://10.0.0.1/other' },
      ),
    ).toEqual([
      `The endpoint of hook hook0 would not be called: config.url leads to ${privateAddress}.`,
      `Hook hook1 would get no access token: delivery.oauth.tokenUrl leads to ${privateAddress}.`,
    ])
  })
})
