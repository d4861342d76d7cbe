/** Who may ask the monitor, on a real socket: names, sites, tokens, and what a page may do. */
import { request as httpRequest } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  hookValue,
  startMonitorRig,
  type MonitorRig,
  type MonitorRigOptions,
} from '../../support/monitor-rig.ts'

async function rigWith(options: MonitorRigOptions = {}): Promise<MonitorRig> {
  const rig = await startMonitorRig(options)
  onTestFinished(() => rig[Symbol.asyncDispose]())
  await rig.putHook('good', hookValue('good'))
  return rig
}

/** `fetch` sets these headers by itself. */
function statusWith(
  origin: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(origin + path, { headers, method }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('who may ask the monitor', () => {
  it.each(['attacker.example', 'attacker.example:80', 'localhost.attacker.example'])(
    'is nobody by the name %j, not even for the page',
    async (host) => {
      const rig = await rigWith()
      for (const path of ['/', '/api/status', '/assets/app.js']) {
        expect(await statusWith(rig.origin, path, { host })).toBe(421)
      }
    },
  )

  it.each([
    { origin: 'https://attacker.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('is no page of another site: %j', async (headers) => {
    const rig = await rigWith({ outcomes: {} })
    const entries = Object.fromEntries(Object.entries(headers))
    for (const [method, path] of [
      ['GET', '/api/hooks'],
      ['GET', '/api/changes'],
      ['DELETE', '/api/hooks/good'],
    ] as const) {
      expect(await statusWith(rig.origin, path, entries, method)).toBe(403)
    }
    expect(rig.actions).toEqual([])
  })

  it('is a page of its own', async () => {
    const rig = await rigWith()
    const own = { 'sec-fetch-site': 'same-origin', origin: rig.origin }
    expect(await statusWith(rig.origin, '/api/hooks', own)).toBe(200)
  })

  it('has to have the token where there is one', async () => {
    const rig = await rigWith({ token: 'a-token-of-some-length' })
    const asked = (authorization: string) => statusWith(rig.origin, '/api/hooks', { authorization })
    expect(await statusWith(rig.origin, '/api/hooks', {})).toBe(401)
    expect(await statusWith(rig.origin, '/api/changes', {})).toBe(401)
    expect(await asked('Bearer a-token-of-some-lengtH')).toBe(401)
    expect(await asked('Basic a-token-of-some-length')).toBe(401)
    for (const [authorization, code] of [
      [undefined, 'auth.authorization_header_missing'],
      ['', 'auth.authorization_header_missing'],
      ['Basic a-token-of-some-length', 'auth.authorization_token_type_not_supported'],
      ['Bearer another-token', 'auth.unauthorized'],
    ]) {
      const headers = authorization === undefined ? {} : { authorization }
      const answer = await fetch(`${rig.origin}/api/hooks`, { headers })
      expect([authorization, await answer.json()]).toMatchObject([authorization, { code }])
    }
    expect(await asked('Bearer a-token-of-some-length')).toBe(200)
    expect(await statusWith(rig.origin, '/', {})).toBe(200)
    for (const { method, path } of rig.routes) {
      const own = { 'sec-fetch-site': 'same-origin', origin: rig.origin }
      const status = await statusWith(rig.origin, path.replace('{id}', 'good'), own, method)
      expect([method, path, status]).toEqual([method, path, 401])
    }
  })

  it('changes nothing unless actions are on', async () => {
    const rig = await rigWith()
    const actions = rig.routes.filter(({ isAction }) => isAction)
    expect(actions.length).toBeGreaterThan(7)
    for (const { method, path } of actions) {
      const answer = await rig.send(method, path.replace('{id}', 'good'), {})
      expect([path, answer.status]).toEqual([path, 403])
    }
    expect(actions.every(({ method }) => method !== 'GET')).toBe(true)
  })

  it('cannot send a form, nor a body without end', async () => {
    const rig = await rigWith({ outcomes: {} })
    const post = (body: string, type: string) =>
      fetch(`${rig.origin}/api/hooks`, { method: 'POST', body, headers: { 'content-type': type } })
    expect((await post('{}', 'text/plain')).status).toBe(415)
    expect((await post('a=b', 'application/x-www-form-urlencoded')).status).toBe(415)
    for (const [body, message] of [
      ['{', 'The body cannot be used: The value is not JSON.'],
      ['[]', 'The body cannot be used: The value is JSON, but not an object.'],
      ['{"a":1,"a":2}', 'The body cannot be used: The object has a key twice.'],
    ] as const) {
      const answer = await post(body, 'application/json')
      expect([answer.status, await answer.json()]).toMatchObject([400, { message }])
    }
    expect((await post('[]', 'application/json')).status).toBe(400)
    expect((await post(' '.repeat(1_100_000), 'application/json')).status).toBe(413)
  })

  it('gets a page that runs nothing but its own files', async () => {
    const rig = await rigWith()
    const answer = await rig.get('/hooks/good')
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect((await rig.get('/assets/../server.ts')).status).toBe(200)
    expect((await rig.get('/assets/%2e%2e/package.json')).status).not.toBe(500)
    expect((await rig.get('/assets/nothing.js')).status).toBe(404)
    expect((await rig.send('POST', '/')).status).toBe(405)
    const tag = (await rig.get('/assets/app.js')).headers.get('etag') ?? ''
    expect(await statusWith(rig.origin, '/assets/app.js', { 'if-none-match': tag })).toBe(304)
    expect(await statusWith(rig.origin, '/assets/app.js', { 'if-none-match': '"x"' })).toBe(200)
  })

  it('keeps the files of the page for as long as they are the same, without asking again', async () => {
    const rig = await rigWith()
    const page = await rig.get('/')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const files = [...(await page.text()).matchAll(/"(\/assets\/[^"]+)"/g)].map(
      ([, path = '']) => path,
    )
    expect(files.length).toBeGreaterThan(20)
    for (const path of files) {
      const answer = await rig.get(path)
      const kept = answer.headers.get('cache-control')
      expect([path, answer.status, kept]).toEqual([path, 200, 'max-age=31536000, immutable'])
    }
    const former = files[0]?.replace(/[\da-f]{16}/, '0123456789abcdef') ?? ''
    expect((await rig.get(former)).status).toBe(404)
  })
})
