import { createServer, type IncomingMessage } from 'node:http'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { askAgainMs, RegistryClient, type SchemaText } from '../../src/edge/registry/client.ts'
import { freePort } from '../../examples/sandbox/sandbox.ts'
import { listening } from '../support/listening.ts'
import { surroundings } from '../support/sandbox.ts'

interface Page {
  readonly status: number
  readonly body: string
}

/** A server that answers every question with `page`, or not at all. */
async function serve(page: Page | undefined): Promise<{
  readonly url: string
  readonly requests: readonly IncomingMessage[]
}> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    if (page !== undefined) response.writeHead(page.status).end(page.body)
  })
  return { url: `http://127.0.0.1:${await listening(server)}/base/`, requests }
}

const anonymous = { username: undefined, password: undefined }
const codeOf = (error_code: number) => JSON.stringify({ error_code, message: 'It\n said no.' })

describe('a registry’s answer', () => {
  it.each<[string, Page, object]>([
    [
      '404 with its code',
      { status: 404, body: codeOf(40_403) },
      { kind: 'missing', message: 'It said no.' },
    ],
    [
      '404 with another code',
      { status: 404, body: codeOf(404) },
      { kind: 'unavailable', isDenied: false },
    ],
    ['404 of a proxy', { status: 404, body: '<html>' }, { kind: 'unavailable', isDenied: false }],
    ['401', { status: 401, body: codeOf(40_101) }, { kind: 'unavailable', isDenied: true }],
    ['403', { status: 403, body: '' }, { kind: 'unavailable', isDenied: true }],
    ['400', { status: 400, body: codeOf(400) }, { kind: 'unavailable', isDenied: false }],
    ['429', { status: 429, body: '' }, { kind: 'unavailable', isDenied: false }],
    ['500', { status: 500, body: codeOf(50_001) }, { kind: 'unavailable', isDenied: false }],
    [
      '200 of a login page',
      { status: 200, body: '<html>' },
      { kind: 'unavailable', isDenied: false },
    ],
    ['200 without a schema', { status: 200, body: '{}' }, { kind: 'unavailable', isDenied: false }],
    [
      '200',
      { status: 200, body: '{"schema":"\\"int\\""}' },
      { kind: 'found', value: { type: 'AVRO', text: '"int"', references: [] } },
    ],
  ])('%s is reported by its kind', async (_, page, answer) => {
    const { url } = await serve(page)
    expect(await new RegistryClient({ url, ...anonymous }).schemaById(1)).toMatchObject(answer)
  })

  it.each<[string, object, object]>([
    [
      'with its reasons, in one line and without the password',
      { is_compatible: false, messages: ['no default\n for "b"', 7, 'see //me:s3cret@'] },
      { kind: 'found', value: 'no default for "b"; see //me:(hidden)@' },
    ],
    ['with one reason', { is_compatible: false, reason: 'no b' }, { kind: 'found', value: 'no b' }],
    ['without a reason', { is_compatible: false }, { kind: 'found', value: 'it does not say why' }],
    ['in words of its own', { compatible: true }, { kind: 'unavailable' }],
  ])('that a schema is incompatible %s is understood', async (_, body, answer) => {
    const { url, requests } = await serve({ status: 200, body: JSON.stringify(body) })
    const client = new RegistryClient({ url, username: 'me', password: 's3cret' })
    const schema: SchemaText = { type: 'AVRO', text: '"int"' }
    expect(await client.conflict('a', schema)).toMatchObject(answer)
    expect(requests[0]?.url).toBe('/base/compatibility/subjects/a/versions/latest?verbose=true')
  })

  it('that is not a registry answer causes an error that says what to check, and never has the password', async () => {
    const { url } = await serve({ status: 404, body: '' })
    const secret = url.replace('//', '//me:s3cret@')
    const closed = `http://127.0.0.1:${await freePort()}/`
    const answers = [
      await new RegistryClient({ url: secret, ...anonymous }).schemaById(1),
      await new RegistryClient({ url: closed, ...anonymous }).schemaById(1),
    ].map((answer) => (answer.kind === 'unavailable' ? answer.message : ''))
    expect(answers[0]).toMatch(
      /^The registry at http:..127.0.0.1:\d+.base has no such page \(status 404\): check SCHEMA_REGISTRY_URL/,
    )
    expect(answers[1]).toMatch(/cannot be reached \(ECONNREFUSED\): check SCHEMA_REGISTRY_URL, and/)
    expect(answers.join()).not.toContain('s3cret')
  })

  it('that does not arrive is given up', async () => {
    const { url } = await serve(undefined)
    const client = new RegistryClient({ url, ...anonymous }, 50)
    expect(await client.schemaById(1)).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('no answer within 0.05 s'),
    })
  })

  it('is no longer waited for after stop', async () => {
    const { url } = await serve(undefined)
    const client = new RegistryClient({ url, ...anonymous })
    const asking = client.schemaById(1)
    client.stop()
    expect(await asking).toMatchObject({ kind: 'unavailable' })
  })

  it.each([
    ['settings', (url: string) => ({ url, username: 'me', password: 'secret' })],
    ['its URL', (url: string) => ({ url: url.replace('//', '//me:secret@'), ...anonymous })],
  ])('is requested with the credentials of %s', async (_, settingsOf) => {
    const { url, requests } = await serve({ status: 200, body: '{}' })
    await new RegistryClient(settingsOf(url)).schemaById(7)
    const [request] = requests
    expect(request?.url).toBe('/base/schemas/ids/7')
    expect(request?.headers.authorization).toBe(
      `Basic ${Buffer.from('me:secret').toString('base64')}`,
    )
  })

  it('is requested with the query of the URL, which no message shows', async () => {
    const said = JSON.stringify({
      error_code: 40_403,
      message: 'nothing at /x?key=a%2Fs3cret, a/s3cret',
    })
    const { url, requests } = await serve({ status: 404, body: said })
    const client = new RegistryClient({ url: `${url}?key=a%2Fs3cret&v=1#s3cret`, ...anonymous })
    const answer = await client.version({ subject: 'a?b', version: 2 })
    const asked = new URL(requests[0]?.url ?? '', url)
    expect(asked.pathname).toBe('/base/subjects/a%3Fb/versions/2')
    expect(Object.fromEntries(asked.searchParams)).toEqual({
      key: 'a/s3cret',
      v: '1',
      deleted: 'true',
    })
    expect(answer).toEqual({ kind: 'missing', message: 'nothing at /x?key=(hidden), (hidden)' })
    expect(client.url).toBe(url.replace(/\/$/, ''))
  })

  it('is not requested with credentials that are not valid in a URL', () => {
    const url = 'http://me:50%off@registry.example'
    expect(() => new RegistryClient({ url, ...anonymous })).toThrow(
      'SCHEMA_REGISTRY_URL: its credentials are not percent-encoded properly: ' +
        'use SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
    )
  })

  it('is requested again after longer and longer waits of at most half a minute', () => {
    expect([1, 2, 3, 6, 7, 1_000].map(askAgainMs)).toEqual([
      500, 1_000, 2_000, 16_000, 30_000, 30_000,
    ])
  })
})

describe('registering', () => {
  const schemaOf = (...fields: readonly object[]): SchemaText => ({
    type: 'AVRO',
    text: JSON.stringify({
      type: 'record',
      name: 'A',
      fields: [{ name: 'a', type: 'string' }, ...fields],
    }),
  })
  const subjectName = () => `test-${randomBytes(6).toString('hex')}/value`

  it('finds a registered schema, accepts compatible ones, and refuses others', async () => {
    const client = new RegistryClient({ url: surroundings().registryUrl, ...anonymous })
    const subject = subjectName()
    expect(await client.lookUp(subject, schemaOf())).toMatchObject({ kind: 'missing' })
    const first = await client.register(subject, schemaOf())
    expect(first.kind).toBe('found')
    expect(await client.register(subject, schemaOf())).toEqual(first)
    expect(await client.lookUp(subject, schemaOf())).toEqual(first)
    const added = { name: 'b', type: 'int' }
    expect(await client.register(subject, schemaOf(added))).toMatchObject({
      kind: 'refused',
      isIncompatible: true,
      message: expect.stringContaining('ncompatible'),
    })
    expect(await client.register(subject, schemaOf({ ...added, default: 0 }))).toMatchObject({
      kind: 'found',
    })
    expect(await client.lookUp(subject, schemaOf(added))).toMatchObject({ kind: 'missing' })
  })

  it('says what is wrong with a schema before anything is registered', async () => {
    const client = new RegistryClient({ url: surroundings().registryUrl, ...anonymous })
    const subject = subjectName()
    const nothing = { kind: 'found', value: undefined }
    const added = { name: 'b', type: 'int' }
    expect(await client.conflict(subject, schemaOf(added))).toEqual(nothing)
    await client.register(subject, schemaOf())
    expect(await client.conflict(subject, schemaOf({ ...added, default: 0 }))).toEqual(nothing)
    expect(await client.conflict(subject, schemaOf(added))).toMatchObject({
      kind: 'found',
      value: expect.stringContaining('ncompatible'),
    })
    expect(await client.lookUp(subject, schemaOf(added))).toMatchObject({ kind: 'missing' })
  })

  it('does not change the compatibility of a subject that existed before', async () => {
    const { registryUrl } = surroundings()
    const client = new RegistryClient({ url: registryUrl, ...anonymous })
    const subject = subjectName()
    const path = `${registryUrl}/subjects/${encodeURIComponent(subject)}/versions`
    await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: schemaOf().text }),
    })
    const other = schemaOf({ name: 'b', type: 'int' })
    expect(await client.register(subject, other)).toMatchObject({ kind: 'found' })
  })
})
