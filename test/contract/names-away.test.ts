/** Host names when name servers say that there is none, cannot say, or do not answer; and the files of the machine. */
import { mkdir, rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { found, hang, useHostNames } from '../support/host-names.ts'
import { useNameServer } from '../support/name-server.ts'

describe('a name that does not exist', () => {
  it('fails for five seconds, and is then looked up again', async () => {
    const { ask, server, clock } = await useHostNames(() => ({ kind: 'nxdomain' }))
    expect(await ask('a.example')).toBe('no-name')
    await clock.advance(4_000)
    server.answer = () => found('192.0.2.1')
    expect(await ask('a.example')).toBe('no-name')
    expect(server.questions).toHaveLength(2)
    await clock.advance(1_000)
    expect(await ask('a.example')).toBe('192.0.2.1')
  })

  it('loses the address that it had', async () => {
    const { ask, server, clock } = await useHostNames(() => found('192.0.2.1'))
    await ask('a.example')
    await clock.advance(61_000)
    server.answer = () => ({ kind: 'nxdomain' })
    expect(await ask('a.example')).toBe('no-name')
    server.answer = () => ({ kind: 'servfail' })
    await clock.advance(6_000)
    expect(await ask('a.example')).toBe('refused')
  })
})

describe('a name that does not exist by IPv4', () => {
  it.each([hang, { kind: 'servfail' } as const])(
    'loses the address that it had, whatever the answer for IPv6 is: %o',
    async (six) => {
      const { ask, server, clock } = await useHostNames(() => found('192.0.2.1'))
      await ask('a.example')
      await clock.advance(61_000)
      server.answer = ({ family }) => (family === 4 ? { kind: 'nxdomain' } : six)
      let answer: string | undefined
      void ask('a.example').then((told) => (answer = told))
      await server.waitFor(4)
      await expect
        .poll(async () => {
          await clock.advance(50)
          return answer
        })
        .toBe('no-name')
    },
  )
})

describe('a name server that does not answer', () => {
  it('is given up after eight seconds, and asked less and less often', async () => {
    const { ask, server, clock } = await useHostNames(() => hang)
    const asking = ask('a.example')
    await server.waitFor(2)
    await clock.advance(8_000)
    expect(await asking).toBe('silent')
    const { length } = server.questions
    expect(await ask('a.example')).toBe('silent')
    await clock.advance(999)
    expect(await ask('a.example')).toBe('silent')
    expect(server.questions).toHaveLength(length)
    server.answer = () => found('192.0.2.1')
    await clock.advance(1)
    expect(await ask('a.example')).toBe('192.0.2.1')
  })

  it('has the last good address used, first after a second and then at once', async () => {
    const { ask, server, clock, signals } = await useHostNames(() => found('192.0.2.1'))
    await ask('a.example')
    await clock.advance(61_000)
    server.answer = () => hang
    const asking = ask('a.example')
    await server.waitFor(4)
    await clock.advance(1_000)
    expect(await asking).toBe('192.0.2.1')
    for (let count = 0; count < 50; count += 1) {
      await clock.advance(60_000)
      expect(await ask('a.example')).toBe('192.0.2.1')
    }
    expect(signals.filter(({ kind }) => kind === 'name.unanswered')).toEqual([
      { kind: 'name.unanswered', host: 'a.example', more: 0 },
    ])
    expect(signals.filter(({ kind }) => kind === 'name.stale')).toHaveLength(51)
  })

  it('has the fresh answer used when it answers again, and that is reported', async () => {
    const { ask, server, clock, signals } = await useHostNames(() => found('192.0.2.1'))
    await ask('a.example')
    await clock.advance(61_000)
    server.answer = () => ({ kind: 'servfail' })
    expect(await ask('a.example')).toBe('192.0.2.1')
    server.answer = () => found('192.0.2.2')
    await clock.advance(10_000)
    expect(await ask('a.example')).toBe('192.0.2.1')
    await expect
      .poll(() => signals.at(-1))
      .toEqual({ kind: 'name.recovered', host: 'a.example', staleMs: 10_000, more: 0 })
    expect(await ask('a.example')).toBe('192.0.2.2')
  })

  it('has no address used for more than an hour after its time to live', async () => {
    const { ask, server, clock } = await useHostNames(() => found('192.0.2.1'))
    await ask('a.example')
    server.answer = () => ({ kind: 'refused' })
    await clock.advance(60_000 + 3_600_000)
    expect(await ask('a.example')).toBe('refused')
  })

  it.each(['servfail', 'refused', 'notimp', 'formerr', 'nonsense'] as const)(
    'or gives no usable answer (%s) is skipped, and the next one is asked',
    async (kind) => {
      const first = await useNameServer(() => ({ kind }))
      const { ask } = await useHostNames(() => found('192.0.2.1'), { others: [first.address] })
      expect(await ask('a.example')).toBe('192.0.2.1')
    },
  )

  it('is skipped, and the next one is asked', async () => {
    const first = await useNameServer(() => hang)
    const { ask } = await useHostNames(() => found('192.0.2.1'), { others: [first.address] })
    expect(await ask('a.example')).toBe('192.0.2.1')
  })

  it('is skipped for a name that is called rarely too, and none counts as away', async () => {
    const first = await useNameServer(() => hang)
    const { ask, server, clock, signals } = await useHostNames(() => found('192.0.2.1'), {
      others: [first.address],
    })
    expect(await ask('a.example')).toBe('192.0.2.1')
    server.answer = () => found('192.0.2.2')
    const { length } = first.questions
    await clock.advance(61_000)
    const asking = ask('a.example')
    await first.waitFor(length + 2)
    await clock.advance(1_000)
    expect(await asking).toBe('192.0.2.1')
    await expect
      .poll(() => signals.at(-1), { timeout: 10_000 })
      .toMatchObject({ kind: 'name.asked', outcome: 'addresses' })
    expect(await ask('a.example')).toBe('192.0.2.2')
    expect(signals.map(({ kind }) => kind)).toEqual(['name.asked', 'name.stale', 'name.asked'])
  })

  it('has only a bounded number of lookups for calls that use a last good address', async () => {
    const { names, ask, server, clock, signals } = await useHostNames(() => found('192.0.2.1'))
    const hosts = Array.from({ length: 200 }, (_, at) => `host-${at}.example`)
    await Promise.all(hosts.map((host) => ask(host)))
    server.answer = () => hang
    await clock.advance(61_000)
    const asking = hosts.map((host) => ask(host))
    await clock.advance(1_000)
    expect(new Set(await Promise.all(asking))).toEqual(new Set(['192.0.2.1']))
    const given = (): number =>
      signals.filter((one) => one.kind === 'name.asked' && one.outcome === 'silent').length
    expect(given()).toBe(200 - 128)
    await clock.advance(7_000)
    expect(given()).toBe(200)
    names.stop()
  })

  it('because its port is closed has the last good address used at once', async () => {
    const server = await useNameServer(() => found('192.0.2.1'))
    const { ask, clock } = await useHostNames(() => hang, { only: server.address })
    expect(await ask('a.example')).toBe('192.0.2.1')
    await server.stop()
    await clock.advance(61_000)
    expect(await ask('a.example')).toBe('192.0.2.1')
    expect(await ask('b.example')).toBe('silent')
  })

  it('is not skipped if its answer is definite', async () => {
    const first = await useNameServer(() => ({ kind: 'nxdomain' }))
    const { ask, server } = await useHostNames(() => found('192.0.2.1'), {
      others: [first.address],
    })
    expect(await ask('a.example')).toBe('no-name')
    expect(server.questions).toEqual([])
  })
})

describe('the files of the machine', () => {
  it('are read before any name server is asked', async () => {
    const { ask, server, writeHosts } = await useHostNames(() => found('192.0.2.1'))
    await writeHosts('10.0.0.7 inside.example\n')
    expect(await ask('inside.example')).toBe('10.0.0.7')
    expect(await ask('a.localhost')).toBe('::1 127.0.0.1')
    expect(server.questions).toEqual([])
  })

  it('are read again when they change', async () => {
    const { ask, clock, writeHosts } = await useHostNames(() => found('192.0.2.1'))
    await writeHosts('10.0.0.7 inside.example\n')
    expect(await ask('inside.example')).toBe('10.0.0.7')
    await writeHosts('10.0.0.77 inside.example outside.example\n')
    await clock.advance(3_000)
    expect(await ask('inside.example')).toBe('10.0.0.77')
    expect(await ask('outside.example')).toBe('10.0.0.77')
    await writeHosts('')
    await clock.advance(3_000)
    expect(await ask('inside.example')).toBe('192.0.2.1')
  })

  it('may be absent', async () => {
    const { ask } = await useHostNames(() => found('192.0.2.1'))
    expect(await ask('a.example')).toBe('192.0.2.1')
  })

  it('keep their last content while they cannot be read', async () => {
    const { ask, clock, writeHosts, hosts } = await useHostNames(() => found('192.0.2.1'))
    await writeHosts('10.0.0.7 inside.example\n')
    expect(await ask('inside.example')).toBe('10.0.0.7')
    await rm(hosts)
    await mkdir(hosts)
    await clock.advance(3_000)
    expect(await ask('inside.example')).toBe('10.0.0.7')
  })

  it('say in which domains to search', async () => {
    const { ask, server } = await useHostNames(
      ({ name }) =>
        name === 'service.team.svc.example' ? found('10.0.0.9') : { kind: 'nxdomain' },
      { resolvConf: 'search team.svc.example svc.example\noptions ndots:5\n' },
    )
    expect(await ask('service')).toBe('10.0.0.9')
    expect(await ask('service.team')).toBe('10.0.0.9')
    expect(await ask('service.')).toBe('no-name')
    const asked = server.questions.filter(({ family }) => family === 4).map(({ name }) => name)
    expect(asked).toEqual([
      'service.team.svc.example',
      'service.team.team.svc.example',
      'service.team.svc.example',
      'service',
    ])
  })

  it('give no definite answer if the name servers of a search domain fail', async () => {
    const { ask, server } = await useHostNames(
      ({ name }) => ({ kind: name.endsWith('corp.example') ? 'servfail' : 'nxdomain' }),
      { resolvConf: 'search corp.example\n' },
    )
    expect(await ask('service')).toBe('refused')
    expect(server.questionsOf('service')).toHaveLength(2)
  })

  it('name search domains: if one does not answer, only the name itself is still tried', async () => {
    const { ask, server } = await useHostNames(
      ({ name }) => (name.endsWith('silent.example') ? hang : { kind: 'nxdomain' }),
      { resolvConf: 'search silent.example other.example\noptions timeout:1 attempts:1\n' },
    )
    expect(await ask('service')).toBe('silent')
    expect(server.questionsOf('service.other.example')).toEqual([])
    server.answer = ({ name }) => (name === 'host' ? found('192.0.2.1') : hang)
    expect(await ask('host')).toBe('192.0.2.1')
  })

  it('have names looked up again when they may name other name servers', async () => {
    const { ask, server, clock, writeResolvConf } = await useHostNames(() => ({ kind: 'refused' }))
    expect(await ask('a.example')).toBe('refused')
    await clock.advance(1_000)
    expect(await ask('a.example')).toBe('refused')
    await clock.advance(2_000)
    expect(await ask('a.example')).toBe('refused')
    server.answer = () => found('192.0.2.1')
    await writeResolvConf('search other.example\n')
    await clock.advance(3_000)
    expect(await ask('a.example')).toBe('refused')
    await expect.poll(() => ask('a.example')).toBe('192.0.2.1')
  })
})
