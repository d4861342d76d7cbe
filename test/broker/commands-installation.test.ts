import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Finding } from '../../src/commands/doctor/findings.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

let rig: BrokerRig
/** What the receiver answers, by path. */
const answers = new Map<string, number>()

beforeAll(async () => {
  const { brokers } = surroundings()
  rig = await createBrokerRig({
    brokers,
    partitions: 2,
    answer: ({ path }) => ({ kind: 'respond', status: answers.get(path) ?? 200 }),
    environment: { HOOKTIDE_RETRY_SCHEDULE: '' },
  })
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

const command = (...words: readonly string[]) => hooktide(words, rig.environment)

it('a hook is created, disabled, listed and enabled by command, with its record otherwise as it is', async () => {
  const url = `${rig.receiver.origin}/made`
  const made = await command(
    'hooks',
    'create',
    '--url',
    url,
    '--events',
    'User.Created',
    '--id',
    'made',
  )
  expect(made).toMatchObject({ code: 0 })
  expect(made.stdout).toMatch(/signing key \(new\): \w{32}\n/)
  const again = await command(
    'hooks',
    'create',
    '--url',
    url,
    '--events',
    'User.Created',
    '--id',
    'made',
  )
  expect(again).toMatchObject({ code: 1, stdout: '' })
  expect(again.stderr).toContain('Hook made exists')
  const before = await command('hooks', 'get', 'made', '--show-secrets', '--json')
  expect((await command('hooks', 'disable', 'made')).stdout).toBe('hook made is disabled\n')
  expect((await command('hooks', 'disable', 'made')).stdout).toBe(
    'hook made is disabled, as before\n',
  )
  expect((await command('hooks', 'list')).stdout).toMatch(/^made .* disabled +- +http/m)
  expect((await command('hooks', 'enable', 'made')).stdout).toBe('hook made is enabled\n')
  const after = await command('hooks', 'get', 'made', '--show-secrets', '--json')
  expect(JSON.parse(after.stdout)).toEqual(JSON.parse(before.stdout))
  const unasked = await command('hooks', 'delete', 'made')
  expect(unasked).toMatchObject({ code: 2, stdout: '' })
  expect((await command('hooks', 'get', 'made')).code).toBe(0)
})

it('a forced test reaches a disabled endpoint, and a replay brings what never arrived and nothing else', async () => {
  await rig.putHooks({ id: 'a' }, { id: 'b' })
  answers.set('/b', 500)
  await using run = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
  await rig.sendEvents({ headers: { 'event-id': 'e-1' } }, { headers: { 'event-id': 'e-2' } })
  await rig.results.waitFor((all) => all.filter(({ final }) => final).length >= 4)
  await command('endpoints', 'disable', 'b')
  await expect
    .poll(async () => (await command('hooks', 'test', 'b')).stderr, { timeout: 20_000 })
    .toContain('is disabled: nothing is sent to it')
  answers.set('/b', 200)
  const forced = await command('hooks', 'test', 'b', '--force', '--json')
  expect(forced).toMatchObject({ code: 0 })
  expect(JSON.parse(forced.stdout)).toMatchObject({ outcome: 'delivered', trigger: 'test' })
  expect((await command('hooks', 'list')).stdout).toMatch(/^b .* active +disabled +http/m)

  const status = await command('status', '--json')
  expect(JSON.parse(status.stdout)).toMatchObject({
    groups: [{ state: 'Stable' }, { state: 'Stable' }],
    processors: [{ instance: 'one', version: expect.stringMatching(/^\d+\.\d+\.\d+/) }],
    hooks: { enabled: 3, disabled: 0, suspended: 0 },
    endpoints: { healthy: 2, disabled: 1 },
  })
  const report = JSON.parse(status.stdout) as {
    processors: { partitions: string[] }[]
    topics: { topic: string; unassigned: number }[]
  }
  expect(report.processors[0]?.partitions).toContain(`${rig.prefix}.events/1`)
  expect(report.topics.every(({ unassigned }) => unassigned === 0)).toBe(true)

  const examined = await command('doctor', '--hook', 'a', '--json')
  const found = examined.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding)
  expect({ code: examined.code, faults: found.filter(({ state }) => state === 'fault') }).toEqual({
    code: 0,
    faults: [],
  })
  const states = Object.fromEntries(found.map(({ check, state }) => [check, state]))
  expect(states).toMatchObject({
    brokers: 'ok',
    clock: 'ok',
    rights: 'ok',
    processors: 'ok',
    delivery: 'ok',
  })
  const elsewhere = { ...rig.environment, HOOKTIDE_TOPIC_RESULTS: `${rig.prefix}.nowhere` }
  const missing = await hooktide(['doctor'], elsewhere)
  expect(missing).toMatchObject({ code: 1 })
  expect(missing.stdout).toMatch(
    /^fault +topics +\S+nowhere \(results\) does not exist: run "hooktide init"/m,
  )

  await command('endpoints', 'enable', 'b')
  const wide = ['replay', '--from', 'earliest', '--undelivered']
  expect(await command(...wide)).toMatchObject({ code: 2, stdout: '' })
  await expect
    .poll(async () => (await command(...wide, '--dry-run', '--json')).stdout, { timeout: 30_000 })
    .toContain('"requests":2')
  const replayed = await command(...wide, '--yes', '--json')
  const lines = replayed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  expect(lines[0]).toEqual({ hookId: 'b', tenantId: 'default', deliveries: 2 })
  expect(lines[1]).toMatchObject({ requests: 2, leftOut: { 'delivered-before': 2 } })
  await rig.results.waitFor(
    (all) => all.filter((one) => one.hookId === 'b' && one.outcome === 'delivered').length >= 3,
  )
  const rest = await command(...wide, '--yes', '--json')
  expect(JSON.parse(rest.stdout)).toMatchObject({ requests: 0, leftOut: { 'delivered-before': 4 } })
  expect(run.errorOutput()).toBe('')
})
