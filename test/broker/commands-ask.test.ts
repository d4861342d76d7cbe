/** The two questions that people ask, each answered by one command. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

let rig: BrokerRig
const ask = (...args: readonly string[]) => hooktide(args, rig.environment)

/** One event for a hook of each kind, of a tenant that has them, and one of a tenant that has none. */
beforeAll(async () => {
  rig = await createBrokerRig({
    brokers: surroundings().brokers,
    registryUrl: surroundings().registryUrl,
    partitions: 3,
    answer: ({ path }) =>
      path === '/crm' || path === '/gone'
        ? { kind: 'respond', status: path === '/crm' ? 503 : 410, headers: {}, body: '' }
        : undefined,
  })
  await rig.putHooks(
    { id: 'crm' },
    { id: 'billing' },
    { id: 'german', delivery: { filter: 'event.user.country == "DE"' } },
    { id: 'blind', delivery: { filter: 'event.nothing.here == 1' } },
    { id: 'off', enabled: false },
    { id: 'other-key', events: ['User.Created'] },
    { id: 'of-acme', tenantId: 'acme' },
    { id: 'gone', events: ['User.Deleted'] },
  )
  const user = { id: 'u1', country: 'FR' }
  await rig.run()
  await rig.sendEvents(
    { fields: { userId: 'u1', user }, headers: { 'event-id': 'first' }, key: 'u1' },
    { fields: { userId: 'u2' }, headers: { 'event-id': 'lost', 'tenant-id': 'nobody' }, key: 'u2' },
    { fields: { event: 'User.Deleted', data: { id: 'u4' } }, headers: { 'event-id': 'dies' } },
    { value: '{"event":"PostSignIn"}', headers: { 'event-id': 'bad' } },
  )
  await rig.results.waitFor((results) =>
    ['crm', 'billing', 'gone'].every((id) => results.some(({ hookId }) => hookId === id)),
  )
}, 60_000)
afterAll(() => rig[Symbol.asyncDispose]())

describe('why did a customer not get its webhook for a user', () => {
  it('is answered by one command: what failed and when it is due, and why others were not called', async () => {
    const { code, stdout } = await ask('explain', '--user', 'u1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^PostSignIn about u1, of tenant default\n/)
    expect(stdout).toMatch(/Hook billing: delivered \S+Z, by attempt 1\n/)
    // It may have been tried again meanwhile.
    expect(stdout).toMatch(/Hook crm: attempt \d+ of 10 failed; the next is due \S+Z/)
    expect(stdout).toMatch(
      /waits +in \S+\.webhook\.retry\.\S+\/\d+\/\d+, attempt \d+ from \S+Z on\n/,
    )
    expect(stdout).toMatch(/retrying 503 +1\/10 /)
    expect(stdout).toMatch(/next +hooktide resend dlv_[\w-]{22}\n/)
    expect(stdout).toContain('    german: its filter is false: event.user.country == "DE"\n')
    expect(stdout).toContain(
      '    blind: its filter has no value (missing-key): event.nothing.here == 1\n',
    )
    expect(stdout).toContain('    off: it is disabled\n')
    expect(stdout).toContain('    other-key: PostSignIn is not among its events\n')
    expect(stdout).not.toContain('of-acme')
  })

  it('is answered where the event was of another tenant', async () => {
    const { stdout } = await ask('explain', '--user', 'u2')
    expect(stdout).toContain('Tenant nobody has no hooks.')
    expect(stdout).toMatch(/of-acme: it is of tenant acme/)
    const { stdout: one } = await ask('explain', '--event-id', 'lost', '--hook', 'crm')
    expect(one).toMatch(/crm: it is of tenant default/)
  })

  it('is answered by the place of a record, a delivery, and as JSON', async () => {
    const { stdout } = await ask('explain', '--event-id', 'first', '--json')
    const { record, deliveries, others } = JSON.parse(stdout)
    expect(others).toHaveLength(5)
    const crm = deliveries.find(({ hookId }: { readonly hookId: string }) => hookId === 'crm')
    expect(crm).toMatchObject({ state: 'retrying', runs: [{ trigger: 'event', leftOut: 0 }] })
    expect(crm.runs[0].results[0]).toMatchObject({ statusCode: 503, userId: 'u1' })
    const byPlace = await ask('explain', '--offset', record, '--json')
    expect(JSON.parse(byPlace.stdout)).toMatchObject({ eventId: 'first', record })
    // Of deliveries to other hooks nothing was read, so nothing is said of them.
    const byDelivery = await ask('explain', '--delivery', crm.deliveryId, '--json')
    const alone = JSON.parse(byDelivery.stdout)
    expect(alone).toMatchObject({ eventId: 'first', record, others: [] })
    expect(alone.deliveries).toMatchObject([{ deliveryId: crm.deliveryId, state: 'retrying' }])
    expect(alone.deliveries).toHaveLength(1)
    const [{ place }] = alone.deliveries[0].waits
    const byRetry = await ask('explain', '--offset', place, '--json')
    expect(JSON.parse(byRetry.stdout).deliveries).toHaveLength(1)
    const wrong = await ask('explain', '--delivery', crm.deliveryId, '--hook', 'billing')
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining(' is to hook crm, ') })
  })

  it('says why a record is no event, and what is not there', async () => {
    const { code, stdout } = await ask('explain', '--event-id', 'bad')
    expect({ code, stdout }).toMatchObject({ code: 1 })
    expect(stdout).toMatch(/\/\d+\/\d+ is rejected, missing-field \(createdAt\): /)
    const { code: none, stderr } = await ask('explain', '--user', 'u3')
    expect(none).toBe(1)
    expect(stderr).toMatch(/^There is no event about u3 since \S+: none was written, /)
  })
})

describe('which endpoints fail most, and how slow are they', () => {
  it('is answered by one command', async () => {
    const { code, stdout } = await ask('stats', '--from', '1h')
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^HOOK +REQUESTS +FAILED +SUCCESS +P50 +P95 +P99/)
    const crm = lines.findIndex((line) => line.startsWith('crm '))
    expect(lines[crm]).toMatch(/^crm +[1-9]\d* +[1-9]\d* +0\.0 % !!/)
    expect(lines[crm + 1]).toMatch(/^ {2}503 ×[1-9]\d*; 1 retrying$/)
    expect(lines.slice(crm).find((line) => line.startsWith('billing '))).toMatch(/ 1 +0 +100\.0 %/)
  })

  it('is answered by tenant, event and class too, and as JSON', async () => {
    const lines = async (by: string) => {
      const { stdout } = await ask('stats', '--by', by, '--json')
      const texts = stdout.trim().split('\n')
      return texts.map((text): { readonly name: string | null } => JSON.parse(text))
    }
    expect(await lines('tenant')).toMatchObject([{ name: 'default' }, { by: 'all', name: null }])
    const events = await lines('event')
    expect(new Set(events.map(({ name }) => name))).toEqual(
      new Set(['PostSignIn', 'User.Deleted', null]),
    )
    const classes = await lines('class')
    expect(classes).toContainEqual(
      expect.objectContaining({ name: '503', hooks: [{ name: 'crm', count: expect.any(Number) }] }),
    )
  })
})

describe('what waits', () => {
  it('is counted as it is now, whatever the range of the results', async () => {
    const { stdout } = await ask('stats', '--from', '2h', '--to', '1h', '--json')
    const lines = stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { name: 'crm', tenantId: 'default', requests: 0, retrying: 1, deferred: 0 },
      { by: 'all', requests: 0, retrying: 1, deferred: 0 },
    ])
    const others = await ask('stats', '--hook', 'billing', '--to', '1h', '--from', '2h', '--json')
    expect(JSON.parse(others.stdout)).toMatchObject({ by: 'all', retrying: 0 })
    const events = await ask('stats', '--by', 'event', '--from', '2h', '--to', '1h', '--json')
    const [event] = events.stdout.split('\n')
    expect(JSON.parse(event ?? '')).toMatchObject({ name: 'PostSignIn', retrying: 1 })
  })

  it('is told by status with the time at which it is due', async () => {
    const { stdout } = await ask('status', '--json')
    const { topics } = JSON.parse(stdout)
    const due = topics.flatMap((topic: { readonly due: unknown }) => topic.due ?? [])
    // A run that moves on meanwhile may be met in two topics.
    expect(due).toContainEqual({ first: expect.any(Number), last: expect.any(Number) })
  })
})

describe('what was lost and what was rejected', () => {
  it('is listed with why, and with its value on demand', async () => {
    await rig.deadLetters.waitFor((letters) => letters.length > 0)
    const { code, stdout } = await ask('dead-letters', 'list')
    expect(code).toBe(0)
    expect(stdout.split('\n')[1]).toMatch(/ gone +410 +1 +gone +User\.Deleted +dlv_[\w-]{22} /)
    const json = await ask(
      'dead-letters',
      'list',
      '--last',
      '1',
      '--user',
      'u4',
      '--value',
      '--json',
    )
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ hookId: 'gone', reason: 'gone', status: '410', eventId: 'dies', userId: 'u4' },
      ...{ topic: `${rig.prefix}.webhook.dead-letters`, valueEncoding: 'utf8' },
      value: expect.stringContaining('"User.Deleted"'),
    })
    const slip = await ask('dead-letters', 'list', '--event', 'sign in')
    expect(slip).toMatchObject({ code: 2, stdout: '' })
    const none = await ask('dead-letters', 'list', '--reason', 'exhausted')
    expect(none).toMatchObject({ code: 0, stdout: '' })
    expect(none.stderr).toMatch(/^There are no records in \S+ since \S+ that match\.\n$/)
  })

  it('is listed with where it stood', async () => {
    await rig.rejected.waitFor((records) => records.length > 0)
    const { stdout } = await ask('rejected', 'list')
    expect(stdout.split('\n')[1]).toMatch(/ missing-field +createdAt +\S+\.events\/\d\/\d+ /)
    const json = await ask('rejected', 'list', '--value', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ reason: 'missing-field', field: 'createdAt', value: '{"event":"PostSignIn"}' },
      headers: expect.arrayContaining([['event-id', 'bad']]),
    })
  })
})
