/** What an endpoint that echoes its requests puts into topics and onto screens. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ReceivedRequest } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

/** The form of a server for trying: headers, the body as text, and what it says, by name. */
function echoOf({ method, path, headers, body }: ReceivedRequest): string {
  const url = new URL(path, 'http://echo.example')
  const args = Object.fromEntries(url.searchParams)
  const json: unknown = JSON.parse(body.toString())
  const note = 'the team is not known'
  return JSON.stringify(
    { note, method, args, url: url.href, headers, data: body.toString(), json },
    null,
    2,
  )
}

let rig: BrokerRig
let sent: readonly string[] = []

beforeAll(async () => {
  const { brokers, registryUrl } = surroundings()
  rig = await createBrokerRig({
    brokers,
    registryUrl,
    answer: (request) => ({ kind: 'respond', status: 500, body: echoOf(request) }),
  })
  await rig.putHooks({
    id: 'echo',
    config: {
      url: `${rig.urlOf('echo')}?token=q9%2Fof%2Bthe-query`,
      headers: { Authorization: `Basic ${Buffer.from('crm:hunter2-and-more').toString('base64')}` },
    },
    delivery: { maxRetries: 0 },
  })
  await rig.run()
  const user = { id: 'k3v9tq2mzx7a', primaryEmail: 'bo@ward.example' }
  await rig.sendEvents({ fields: { user } })
  const [request] = await rig.receiver.waitFor(1)
  const headers: Readonly<Record<string, string>> = request?.headers ?? {}
  sent = [
    'hunter2',
    headers['authorization']?.slice(6) ?? '',
    'q9/of+the-query',
    'q9%2Fof%2Bthe-query',
    headers['logto-signature-sha-256'] ?? '',
    headers['webhook-signature']?.slice(3) ?? '',
    'k3v9tq2mzx7a',
    'bo@ward.example',
  ]
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

it('is nothing that was secret in the call, and nothing of the event', async () => {
  const [result] = await rig.results.waitFor((all) => all.length > 0)
  expect(Math.min(...sent.map(({ length }) => length))).toBeGreaterThan(6)
  expect(result).toMatchObject({ outcome: 'dead', statusCode: 500 })
  expect(result?.responseBody).toContain('the team is not known')
  // By their id results are searched, so it stands in a field of its own.
  const others = JSON.stringify({ ...result, userId: null })
  for (const text of sent) expect(others).not.toContain(text)
})

it('is what it said to a test, without secrets', async () => {
  const before = rig.receiver.requests.length
  const { stdout } = await hooktide(['hooks', 'test', 'echo'], rig.environment)
  expect(stdout).toMatch(/failed +500 .*the team is not known/)
  const [request] = rig.receiver.requests.slice(before)
  const signature = request?.headers['webhook-signature'] ?? ''
  expect(signature).toMatch(/^v1,/)
  for (const text of [...sent.slice(0, 4), signature.slice(3)]) expect(stdout).not.toContain(text)
})
