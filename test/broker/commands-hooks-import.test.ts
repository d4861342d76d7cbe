import { beforeAll, describe, expect, it } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const { prefix } = uniqueNames()

const command = (args: readonly string[], input = '') =>
  hooktide(
    args,
    {
      KAFKA_BROKERS: surroundings().brokers.join(','),
      HOOKTIDE_TOPIC_PREFIX: prefix,
      HOOKTIDE_ALLOW_CIDRS: '192.0.2.0/24',
    },
    input,
  )

const importing = (answer: unknown, ...flags: readonly string[]) =>
  command(['hooks', 'import', '-f', '-', ...flags], JSON.stringify(answer))

async function stored(id: string): Promise<Record<string, unknown>> {
  const { stdout } = await command(['hooks', 'get', id, '--show-secrets'])
  return JSON.parse(stdout)
}

/** As Logto answers, with a field that nobody knows yet. */
const crm = {
  tenantId: 'default',
  id: 'w2f8p6u0c9ydj3ms7ealr',
  name: 'CRM',
  event: null,
  events: ['PostRegister', 'User.Data.Updated'],
  config: { url: 'https://192.0.2.1/crm', headers: { 'x-team': 'growth' }, retries: 3 },
  signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  enabled: true,
  createdAt: 1_789_376_531_019,
  audience: { region: 'eu' },
}
const audit = {
  ...crm,
  id: 'k3v9tq2mzx7a5h1d8n4pb',
  name: '',
  config: { url: 'https://192.0.2.1/audit' },
  signingKey: 'Zz3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
}

beforeAll(async () => {
  const admin = await connectAdmin(settingsOf(surroundings().brokers), silentLog)
  const configs = { 'cleanup.policy': 'compact' }
  await admin.createTopic({ topic: `${prefix}.hooks`, partitions: 1, configs })
  await admin.stop()
})

describe('hooks import', () => {
  it('shows what it would do with --dry-run, writes it without, and finds nothing to do after that', async () => {
    const answer = [{ ...crm, executionStats: { requestCount: 9, successCount: 8 } }, audit]
    const dry = await importing(answer, '--dry-run')
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.stdout.split('\n')).toEqual([
      `create ${crm.id} "CRM": tenant default, https://192.0.2.1/crm`,
      `create ${audit.id}: tenant default, https://192.0.2.1/audit`,
      '',
    ])
    expect(dry.stderr).toContain('2 hook(s): 2 would be created, 0 would be changed, 0 unchanged.')
    expect((await command(['hooks', 'get', crm.id])).code).toBe(1)

    expect((await importing(answer)).stdout).toBe(dry.stdout)
    expect(await stored(crm.id)).toEqual(crm)
    const written = await command(['hooks', 'list', '--json'])
    const again = await importing([{ ...crm, executionStats: { requestCount: 10 } }, audit])
    expect(again.stdout).toMatch(/^keep w2f.*\nkeep k3v/)
    expect(again.stderr).toContain('2 hook(s): 0 created, 0 changed, 2 unchanged.')
    // Of each hook it says which record it is of.
    expect(await command(['hooks', 'list', '--json'])).toEqual(written)
  })

  it('shows the fields that differ without keys, and keeps delivery', async () => {
    const own = { ...crm, id: 'own', delivery: { filter: 'event.userId == "u1"', concurrency: 3 } }
    await command(['hooks', 'put', '-f', '-'], JSON.stringify(own))
    const { delivery, ...logtos } = own
    const changed = { ...logtos, events: ['PostRegister'], signingKey: audit.signingKey }
    const { code, stdout, stderr } = await importing([changed])
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'change own "CRM": tenant default, https://192.0.2.1/crm',
      '  events: ["PostRegister","User.Data.Updated"] -> ["PostRegister"]',
      '  signingKey: changed, hidden',
      '',
    ])
    expect(stderr).toContain('1 hook(s): 0 created, 1 changed, 0 unchanged.')
    expect(stderr).toContain(
      '2 other hook(s) of the same tenant(s) are not in the file. They are kept.',
    )
    expect(await stored('own')).toEqual({ ...changed, delivery })
  })

  it('writes them for the tenant of --tenant', async () => {
    const acme = { ...crm, id: 'acme1' }
    const { stdout } = await importing([acme], '--tenant', 'acme', '--json')
    expect(JSON.parse(stdout)).toEqual({
      ...{ id: 'acme1', tenantId: 'acme', action: 'create', url: crm.config.url },
      ...{ events: crm.events, differences: [] },
    })
    expect(await stored('acme1')).toEqual({ ...acme, tenantId: 'acme' })
  })

  it("writes nothing if one hook is not valid, or if the file has another answer of Logto's", async () => {
    const refused = await importing([
      { ...audit, id: 'fine' },
      { ...crm, id: 'bad', events: 'all' },
    ])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^Nothing was written:\n.*\[1\] "bad": events/)
    expect((await command(['hooks', 'get', 'fine'])).code).toBe(1)
    const error = await importing({ message: 'Unauthorized.', code: 'auth.unauthorized' })
    expect(error.code).toBe(1)
    expect(error.stderr).toContain(
      "id is missing: the file must have the answer of Logto's GET /api/hooks",
    )
    const keyless = await importing([{ ...crm, id: null, signingKey: null }])
    expect(keyless.code).toBe(1)
    expect(keyless.stderr).toMatch(/\bid is missing[^]*signingKey is missing/)
  })

  it('has nothing to do for a Logto without hooks, but refuses an empty file', async () => {
    const none = await importing([])
    const note = 'There is nothing to import: standard input has a list without hooks.\n'
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: note })
    // What a failed request leaves, too.
    const empty = await command(['hooks', 'import', '-f', '-'], '\n')
    expect(empty).toMatchObject({ code: 1, stderr: 'standard input has no hook.\n' })
  })
})
