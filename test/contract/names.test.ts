/** Host names by real queries to a name server: answers, what is kept of them, and lookups. */
import { describe, expect, it } from 'vitest'
import { settled } from '../support/hand-clock.ts'
import { found, hang, useHostNames } from '../support/host-names.ts'

describe('a name', () => {
  it('is looked up once in both families, and kept for its time to live', async () => {
    const { ask, server, clock } = await useHostNames(() => ({
      kind: 'addresses',
      addresses: ['192.0.2.1', 'fd00::1'],
      ttl: 20,
    }))
    expect(await ask('a.example')).toBe('192.0.2.1 fd00::1')
    await clock.advance(14_999)
    expect(await ask('a.example')).toBe('192.0.2.1 fd00::1')
    expect(server.questions).toEqual([
      { name: 'a.example', family: 4, over: 'udp' },
      { name: 'a.example', family: 6, over: 'udp' },
    ])
  })

  it('in use is looked up again before its time to live is over, and no call waits for that', async () => {
    const { ask, server, clock, signals } = await useHostNames(() => found('192.0.2.1'))
    await ask('a.example')
    await clock.advance(50_000)
    server.answer = () => found('192.0.2.2')
    expect(await ask('a.example')).toBe('192.0.2.1')
    await expect.poll(() => signals.length).toBe(2)
    expect(await ask('a.example')).toBe('192.0.2.2')
    expect(server.questions).toHaveLength(4)
  })

  it('is looked up once for all calls that need it at the same time', async () => {
    const { ask, server } = await useHostNames(() => found('192.0.2.1', '192.0.2.2'))
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask('a.example')))
    expect(answers).toEqual([
      '192.0.2.1 192.0.2.2',
      '192.0.2.2 192.0.2.1',
      '192.0.2.1 192.0.2.2',
      '192.0.2.2 192.0.2.1',
    ])
    expect(server.questions).toHaveLength(2)
  })

  it('is followed through its aliases', async () => {
    const { ask } = await useHostNames(() => ({
      kind: 'addresses',
      addresses: ['192.0.2.1'],
      aliases: ['b.example', 'c.other.example'],
    }))
    expect(await ask('a.example')).toBe('192.0.2.1')
  })

  it.each([
    ['that is an alias of itself', ['a.example']],
    ['whose aliases lead back to it', ['b.example', 'a.example']],
  ])('%s has no address', async (_, aliases) => {
    const { ask } = await useHostNames(() => ({ kind: 'addresses', addresses: [], aliases }))
    expect(await ask('a.example')).toBe('no-name')
  })

  it('with thousands of addresses, answered over TCP, has the first of them', async () => {
    const many = Array.from({ length: 3_000 }, (_, at) => `10.1.${at >> 8}.${at & 255}`)
    const { ask, server } = await useHostNames(() => found(...many))
    expect(await ask('a.example')).toBe(many.slice(0, 8).join(' '))
    expect(server.questions.map(({ family, over }) => `${family} ${over}`).toSorted()).toEqual([
      '4 tcp',
      '4 udp',
      '6 udp',
    ])
  })

  it('has the addresses of one family if the other is not answered', async () => {
    const { ask, server, clock } = await useHostNames(({ family }) =>
      family === 4 ? found('192.0.2.1') : hang,
    )
    const asking = ask('a.example')
    await server.waitFor(2)
    await expect
      .poll(async () => {
        await clock.advance(200)
        return Promise.race([asking, settled().then(() => 'waits')])
      })
      .toBe('192.0.2.1')
  })

  it('whose IPv6 answer comes first waits for IPv4 if IPv6 cannot be used', async () => {
    const { ask, server, clock } = await useHostNames(
      ({ family }) =>
        // As if the first packet had been lost.
        family === 4 && server.questionsOf('a.example').filter((one) => one.family === 4).length < 2
          ? hang
          : found('192.0.2.1', '2606:4700::1'),
      { reach: { ipv4: true, globalIpv6: false } },
    )
    const asking = ask('a.example')
    await server.waitFor(2)
    await expect
      .poll(
        async () => {
          await clock.advance(50)
          return Promise.race([asking, settled().then(() => 'waits')])
        },
        { timeout: 10_000 },
      )
      .toBe('192.0.2.1 2606:4700::1')
  })

  it('that does not exist by IPv4 waits for IPv6 only for a moment', async () => {
    const { ask, server, clock } = await useHostNames(({ family }) =>
      family === 4 ? { kind: 'nxdomain' } : hang,
    )
    const asking = ask('a.example')
    await server.waitFor(2)
    await expect
      .poll(async () => {
        await clock.advance(200)
        return Promise.race([asking, settled().then(() => 'waits')])
      })
      .toBe('no-name')
  })

  it.each(['', '.', 'a..example', `${'a'.repeat(64)}.example`, 'a.'.repeat(127) + 'example'])(
    'that is not valid is not looked up: "%s"',
    async (name) => {
      const { ask, server } = await useHostNames(() => found('192.0.2.1'))
      expect(await ask(name)).toBe('not-a-name')
      expect(server.questions).toEqual([])
    },
  )

  it('below invalid does not exist, and no name server is asked', async () => {
    const { ask, server } = await useHostNames(() => found('192.0.2.1'))
    for (const name of ['invalid', 'a.invalid', 'a.b.invalid.']) {
      expect(await ask(name)).toBe('no-name')
    }
    expect(await ask('invalid.example')).toBe('192.0.2.1')
    expect(server.questionsOf('a.invalid')).toEqual([])
  })

  it('with a character that no host name has is not looked up, or has no address', async () => {
    const { ask } = await useHostNames(() => ({ kind: 'nxdomain' }))
    for (const name of ['a!b.example', "it's.example", 'a b.example', '*.example']) {
      expect(await ask(name)).toBe('no-name')
    }
  })
})

describe('a lookup', () => {
  it('whose calls have all ended is kept for a second and then sends nothing', async () => {
    const { names, server, clock, ask, signals } = await useHostNames(() => hang)
    const ends = [1, 2, 3].map(() => names.lookup('a.example', 'default', () => {}))
    await server.waitFor(2)
    for (const end of ends) end()
    await clock.advance(999)
    expect(signals).toEqual([])
    await clock.advance(1)
    expect(signals).toMatchObject([{ kind: 'name.asked', outcome: 'silent' }])
    // What is asked for later is asked for again before long, and what is dropped would have been before that.
    void ask('b.example')
    await expect.poll(() => server.questionsOf('b.example').length, { timeout: 10_000 }).toBe(4)
    expect(server.questionsOf('a.example')).toHaveLength(2)
  })

  it('whose first call has ended continues for the others', async () => {
    const { names, server, ask, clock } = await useHostNames(() => hang)
    const end = names.lookup('a.example', 'default', () => {
      throw new Error('told though it had ended')
    })
    const asking = ask('a.example')
    await server.waitFor(2)
    end()
    await clock.advance(8_000)
    expect(await asking).toBe('silent')
  })

  it('that no call waits for is one of a bounded number', async () => {
    const { names, clock, signals } = await useHostNames(() => hang)
    for (let count = 0; count < 1_000; count += 1) {
      names.lookup(`dead-${count}.example`, 'default', () => {})()
    }
    await clock.advance(1_000)
    expect(signals).toHaveLength(256)
  })

  it('ends when the names are stopped, and reports nothing', async () => {
    const { names, server, clock, signals } = await useHostNames(() => hang)
    names.lookup('a.example', 'default', () => {
      throw new Error('told though it was stopped')
    })
    await server.waitFor(2)
    names.stop()
    await clock.advance(10_000)
    expect(signals).toEqual([])
  })
})

describe('names that do not resolve', () => {
  it('delay no other, however many there are', async () => {
    const { names, server, ask } = await useHostNames(({ name }) =>
      name.startsWith('dead') ? hang : found('192.0.2.1'),
    )
    const told: string[] = []
    for (let count = 0; count < 1_000; count += 1) {
      const host = `dead-${count}.example`
      names.lookup(host, 'default', () => told.push(host))
      // Sockets of one process hold a bounded number of datagrams that were not read.
      if (count % 50 === 49) await server.waitFor((count + 1) * 2)
    }
    const healthy = Array.from({ length: 20 }, (_, count) => ask(`healthy-${count}.example`))
    expect(new Set(await Promise.all(healthy))).toEqual(new Set(['192.0.2.1']))
    expect(told).toEqual([])
  })

  it('are reported as used after their time to live at a bounded rate', async () => {
    const { ask, server, clock, signals } = await useHostNames(() => found('192.0.2.1'))
    const hosts = Array.from({ length: 60 }, (_, count) => `name-${count}.example`)
    for (const host of hosts) await ask(host)
    await clock.advance(61_000)
    server.answer = () => ({ kind: 'servfail' })
    for (const host of hosts) await ask(host)
    expect(signals.filter(({ kind }) => kind === 'name.unanswered')).toHaveLength(10)
  })
})
