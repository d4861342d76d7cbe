import { readdirSync, readFileSync } from 'node:fs'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, type ReceivedRequest, standardSecretOf } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import type { RunningProcess } from '../support/hooktide-process.ts'
import { writeDocExamples, type DocExamples } from '../support/doc-examples.ts'
import { surroundings } from '../support/sandbox.ts'

const key = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const oldKey = 'b7Yt4Re9Wq2As5Df8Gh0Jk3Lz6XcVb1N'
const whsecKey = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const folder = new URL('../samples/', import.meta.url)
const samples = readdirSync(folder).map((name) => {
  const { hookId: _, ...event } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<
    string,
    unknown
  >
  return event
})
const events = samples.map(({ event }) => event)

type Headers = Readonly<Record<string, string>>

/** What the two examples of verification export. */
interface Verification {
  isVerified(body: Buffer, headers: Headers, signingKey: string): boolean
  isSignedBy(signingKey: string, body: Buffer, signature: string | undefined): boolean
}

let examples: DocExamples
let rig: BrokerRig
let processor: RunningProcess

beforeAll(async () => {
  const { brokers } = surroundings()
  examples = await writeDocExamples()
  rig = await createBrokerRig({ brokers })
  processor = await rig.run()
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await examples[Symbol.asyncDispose]()
})

describe("the documents' receiver", () => {
  it('accepts every sample from the processor, runs the five uses, and does the work of a repeated call once', async () => {
    const port = await freePort()
    await using receiver = examples.start('receiver.ts', {
      environment: { SIGNING_KEY: key, PORT: String(port) },
    })
    await receiver.waitForLine((line) => line.includes(`${port}`))
    const url = `http://127.0.0.1:${port}/`
    await putHooks({ id: 'whole', events, config: { url } }, { id: 'copied', events })
    await rig.sendEvents(...samples.map((fields) => ({ fields })))

    const results = await rig.results.waitFor((all) => all.length === 2 * samples.length)
    expect(results.every(({ outcome }) => outcome === 'delivered')).toBe(true)
    const account = results.find(
      ({ hookId, eventKey }) => hookId === 'whole' && eventKey === 'Organization.Created',
    )
    for (const use of ['mail', 'notice', 'apiCall', 'sync', 'report']) {
      await receiver.waitForLine((line) => line.includes(`"use":"${use}"`))
    }
    expect(workOf(receiver.lines)).toEqual({
      mail: [{ to: 'noor.haddad@northwind-bikes.example', subject: 'Welcome, Noor Haddad' }],
      notice: [
        'email mila@harbour-clinic.example is locked out of Ward planner, tried from 198.51.100.203',
      ],
      apiCall: [
        {
          url: 'https://billing.example/accounts',
          headers: { 'idempotency-key': account?.deliveryId },
          body: { organization: 'h8q2w6e0r4t9', name: 'Harbour Clinic Group', seats: 40 },
        },
      ],
      sync: expect.anything(),
      report: [{ '2026-09-14 Ward planner': 1 }],
    })

    const copies = await rig.receiver.waitFor((all) => all.length >= samples.length)
    const copyOf = (event: string) => copies.find(({ body }) => body.includes(event))
    const lockout = copyOf('Identifier.Lockout')
    expect(await post(url, lockout)).toBe(204)
    expect(await post(url, lockout)).toBe(204)
    expect(await post(url, lockout, { 'webhook-id': 'dlv_another' })).toBe(401)
    expect(await post(url, copyOf('PostSignIn"'))).toBe(204)
    await receiver.waitForLine((line) => line.includes('Ward planner":2'))
    const { notice, sync } = workOf(receiver.lines)
    expect(notice).toHaveLength(2)
    // Three samples, in any order: one user was made, another changed, and the first deleted.
    expect(sync?.at(-1)).toEqual({ users: 1 })
  })
})

describe("the documents' verification", () => {
  it.each([
    ['a key such as Logto makes', 'plain', { signingKey: key }, [key]],
    ['a whsec_ key', 'whsec', { signingKey: whsecKey }, [whsecKey]],
    [
      'two keys, while the old one has not expired',
      'rotated',
      { delivery: { previousSigningKeys: [{ key: oldKey, expiresAt: 4_102_444_800_000 }] } },
      [key, oldKey],
    ],
  ])('accepts real calls signed with %s', async (_, id, hook, keys) => {
    const { body, headers } = await callOf(id, hook)
    const { isVerified, isSignedBy } = await verification()
    for (const one of keys) expect(isVerified(body, headers, one)).toBe(true)
    const logto = headers['logto-signature-sha-256']
    expect(keys.map((one) => isSignedBy(one, body, logto))).toEqual(
      keys.map((one) => one === keys[0]),
    )
  })

  it('refuses calls that were tampered with, are too old, or are signed with another key', async () => {
    const { body, headers } = await callOf('tampered', {})
    const { isVerified, isSignedBy } = await verification()
    const changed = Buffer.from(body.toString().replace('PostSignIn', 'PostSignUp'))
    const reserialised = Buffer.from(JSON.stringify(JSON.parse(body.toString()), undefined, 1))

    const logto = headers['logto-signature-sha-256']
    expect(isSignedBy(key, body, logto)).toBe(true)
    for (const other of [changed, reserialised]) expect(isSignedBy(key, other, logto)).toBe(false)
    expect(isSignedBy(oldKey, body, logto)).toBe(false)
    for (const signature of [undefined, '', `${logto}00`, logto?.toUpperCase(), 'é'.repeat(64)]) {
      expect(isSignedBy(key, body, signature)).toBe(false)
    }

    const now = Math.floor(Date.now() / 1_000)
    expect(isVerified(body, headers, key)).toBe(true)
    expect(isVerified(body, sentAt(now - 200, body, headers), key)).toBe(true)
    for (const other of [changed, reserialised]) expect(isVerified(other, headers, key)).toBe(false)
    expect(isVerified(body, headers, oldKey)).toBe(false)
    const { 'webhook-signature': signature = '', ...unsigned } = headers
    for (const other of [
      unsigned,
      { ...unsigned, 'webhook-signature': signature.replace('v1,', 'v2,') },
      { ...headers, 'webhook-id': 'dlv_another' },
      { ...headers, 'webhook-timestamp': String(now + 1_000) },
      sentAt(now - 310, body, headers),
      sentAt(now + 310, body, headers),
    ]) {
      expect(isVerified(body, other, key)).toBe(false)
    }
  })
})

async function verification(): Promise<Verification> {
  const [standard, logto] = await Promise.all(
    ['verify-standard.ts', 'verify-logto.ts'].map(
      (name) => import(`${examples.folder}/${name}`) as Promise<Verification>,
    ),
  )
  if (standard === undefined || logto === undefined) throw new Error('an example is missing')
  return { isVerified: standard.isVerified, isSignedBy: logto.isSignedBy }
}

/** Writes hooks and waits until the processor has them. */
async function putHooks(
  ...hooks: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[]
): Promise<void> {
  await rig.putHooks(...hooks)
  for (const { id } of hooks) {
    await processor.waitForLine(({ msg, hookId }) => msg === 'hook.changed' && hookId === id)
  }
}

/** A real call of the processor, for a hook and tenant of its own. */
async function callOf(
  id: string,
  hook: Readonly<Record<string, unknown>>,
): Promise<ReceivedRequest> {
  await putHooks({ id, tenantId: id, ...hook })
  await rig.sendEvents({ headers: { 'tenant-id': id } })
  const isOurs = ({ path }: ReceivedRequest) => path === `/${id}`
  const call = (await rig.receiver.waitFor((all) => all.some(isOurs))).find(isOurs)
  if (call === undefined) throw new Error('no call came')
  return call
}

/** Signed by the right key, with another time. */
function sentAt(seconds: number, body: Buffer, headers: Headers): Headers {
  const webhook = new Webhook(standardSecretOf(key))
  const signature = webhook.sign(headers['webhook-id'] ?? '', new Date(seconds * 1_000), body)
  return { ...headers, 'webhook-timestamp': String(seconds), 'webhook-signature': signature }
}

async function post(
  url: string,
  request: ReceivedRequest | undefined,
  changes: Headers = {},
): Promise<number> {
  if (request === undefined) throw new Error('there is no such call')
  const { 'content-length': _, connection: __, host: ___, ...headers } = request.headers
  const { status } = await fetch(url, {
    method: 'POST',
    headers: { ...headers, ...changes },
    body: new Uint8Array(request.body),
  })
  return status
}

/** What the receiver printed, by use. */
function workOf(lines: readonly string[]): Readonly<Record<string, readonly unknown[]>> {
  const work: Record<string, unknown[]> = {}
  for (const line of lines.filter((text) => text.startsWith('{'))) {
    const { use, outcome } = JSON.parse(line) as { use: string; outcome: unknown }
    ;(work[use] ??= []).push(outcome)
  }
  return work
}
