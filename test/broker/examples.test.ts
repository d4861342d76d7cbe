/** The programs of `examples`, as their users run them, called by a real processor. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { startExample } from '../support/doc-examples.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { listening } from '../support/listening.ts'
import { surroundings } from '../support/sandbox.ts'

const folder = fileURLToPath(new URL('../../examples/', import.meta.url))
const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const firefox = (version: number) =>
  `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`
const chrome =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36'

let rig: BrokerRig
beforeAll(async () => {
  const { brokers } = surroundings()
  rig = await createBrokerRig({ brokers })
  await rig.run()
})
afterAll(() => rig[Symbol.asyncDispose]())

function sample(name: string): Readonly<Record<string, unknown>> {
  const path = new URL(`../samples/${name}.json`, import.meta.url)
  const { hookId: _, ...fields } = JSON.parse(readFileSync(path, 'utf8'))
  return fields
}

/** Starts a program, and a hook that calls it. */
async function started(name: string, environment: Readonly<Record<string, string>> = {}) {
  const port = await freePort()
  const program = startExample(folder, `${name}.ts`, {
    environment: { SIGNING_KEY: signingKey, PORT: String(port), ...environment },
  })
  onTestFinished(() => program[Symbol.asyncDispose]())
  await program.waitForLine((line) => line.includes(`listening on port ${port}`))
  const events = ['PostSignIn', 'PostRegister']
  const tenantId = name
  await rig.putHooks({ id: name, tenantId, events, config: { url: `http://127.0.0.1:${port}/` } })
  return program
}

const finalsOf = async (hookId: string, count: number) =>
  await rig.results.waitFor(
    (all) => all.filter((one) => one.hookId === hookId && one.final).length >= count,
  )

it('a new device is reported once, but not a browser update or the first device of a user', async () => {
  const program = await started('new-device')
  const send = async (userAgent: string) =>
    await rig.sendEvents({
      fields: { ...sample('post-sign-in'), userAgent },
      headers: { 'tenant-id': 'new-device' },
    })
  for (const [index, agent] of [firefox(143), firefox(144), chrome, chrome].entries()) {
    await send(agent)
    await finalsOf('new-device', index + 1)
  }
  await program.waitForLine((line) => line.includes('Chrome on Windows'))
  const mails = program.lines.filter((line) => line.includes('"mail"'))
  expect(mails).toHaveLength(1)
  expect(mails[0]).toContain('mila@harbour-clinic.example')
})

it('a role is assigned by the whole domain of a mail address, with one token for all calls', async () => {
  const requests: {
    readonly path: string
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }[] = []
  const logto = createServer((request, response) => {
    void buffer(request).then((body) => {
      requests.push({ path: request.url ?? '', headers: request.headers, body: body.toString() })
      const isToken = request.url === '/oidc/token'
      response.writeHead(isToken ? 200 : 201, { 'content-type': 'application/json' })
      response.end(isToken ? JSON.stringify({ access_token: 'at-1', expires_in: 3_600 }) : '{}')
    })
  })
  const port = await listening(logto)
  const program = await started('role-by-mail-domain', {
    LOGTO_ENDPOINT: `http://127.0.0.1:${port}`,
    LOGTO_RESOURCE: 'https://default.logto.app/api',
    LOGTO_APP_ID: 'm2m',
    LOGTO_APP_SECRET: 'm2m-secret',
    ROLE_ID: 'r-staff',
    MAIL_DOMAIN: 'acme.example',
  })
  const people = [
    ['u1', 'ida@acme.example'],
    ['u2', 'eve@evil-acme.example'],
    ['u3', 'Ben@ACME.example'],
    ['u4', null],
  ] as const
  await rig.sendEvents(
    ...people.map(([id, primaryEmail]) => ({
      fields: { ...sample('post-register'), user: { id, name: null, primaryEmail } },
      headers: { 'tenant-id': 'role-by-mail-domain' },
    })),
  )
  await finalsOf('role-by-mail-domain', people.length)
  await program.waitForLine((line) => line.includes('"u1"'))
  await program.waitForLine((line) => line.includes('"u3"'))
  const roles = requests.filter(({ path }) => path !== '/oidc/token')
  expect(roles.map(({ path }) => path).toSorted()).toEqual([
    '/api/users/u1/roles',
    '/api/users/u3/roles',
  ])
  for (const { headers, body } of roles) {
    expect(headers.authorization).toBe('Bearer at-1')
    expect(JSON.parse(body)).toEqual({ roleIds: ['r-staff'] })
  }
})

it('of two hooks on one event, the one with a filter gets only matching events', async () => {
  const hooks = readFileSync(`${folder}two-webhooks.json`, 'utf8')
    .replaceAll('https://reports.example', rig.receiver.origin)
    .replaceAll('https://planner.example', rig.receiver.origin)
  const put = await hooktide(['hooks', 'put', '-f', '-'], rig.environment, hooks)
  expect(put).toMatchObject({ code: 0 })
  const other = { ...sample('post-sign-in'), application: { name: 'Shift board' } }
  await rig.sendEvents({ fields: sample('post-sign-in') }, { fields: other })
  await finalsOf('every-sign-in', 2)
  await finalsOf('planner-sign-ins', 1)
  const paths = rig.receiver.requests.map(({ path }) => path)
  expect(paths.filter((path) => path === '/sign-ins')).toHaveLength(2)
  expect(paths.filter((path) => path === '/hooks/sign-ins')).toHaveLength(1)
})
