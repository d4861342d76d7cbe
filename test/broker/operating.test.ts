import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { startRun } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

async function page(port: number, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

describe('the status pages', () => {
  it('say alive and not ready while no broker answers, and SIGTERM ends the process with code 0', async () => {
    await using process = startRun({ KAFKA_BROKERS: '127.0.0.1:1' })
    const port = await process.port
    await process.waitForLine(({ msg }) => msg === 'waiting for Kafka')
    expect(await page(port, '/healthz')).toEqual({ status: 200, text: 'ok\n' })
    expect(await page(port, '/readyz')).toEqual({
      status: 503,
      text: expect.stringMatching(
        /^not ready: starting: No Kafka broker answers at 127\.0\.0\.1:1 /,
      ),
    })
    process.signal('SIGTERM')
    expect(await process.exited).toBe(0)
  })

  it('say ready once the table is loaded and the group joined, and metrics count deliveries', async () => {
    const { brokers, registryUrl } = surroundings()
    await using rig = await createBrokerRig({ brokers, registryUrl })
    await rig.putHooks({ id: 'a' }, { id: 'broken', config: {} })
    const process = await rig.run()
    const port = await process.port
    expect(await page(port, '/readyz')).toEqual({ status: 200, text: 'ready\n' })
    expect((await page(port, '/nowhere')).status).toBe(404)
    await rig.sendEvents({}, { fields: { event: 'User.Created' } }, { value: 'no JSON' })
    await rig.results.waitFor((all) => all.length === 2)
    const { text } = await page(port, '/metrics')
    for (const line of [
      'hooktide_deliveries_total{outcome="delivered"} 1',
      'hooktide_deliveries_total{outcome="dead"} 1',
      'hooktide_attempts_total{class="ok"} 1',
      'hooktide_hooks 2',
      'hooktide_hooks_suspended 1',
    ]) {
      expect(text).toContain(`${line}\n`)
    }
  })
})

describe('a registry without the schema of results', () => {
  it('keeps the processor from starting, and the message names the command that registers it', async () => {
    const { brokers, registryUrl } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await using run = startRun({ ...rig.environment, SCHEMA_REGISTRY_URL: registryUrl })
    expect(await run.exited).toBe(1)
    expect(run.errorOutput()).toMatch(/does not know this version's schema .*hooktide init/)
  })
})

describe('a start that is refused', () => {
  it('is logged too, with the list of problems', async () => {
    const { brokers } = surroundings()
    const environment = { KAFKA_BROKERS: brokers.join(','), HOOKTIDE_TOPIC_PREFIX: 'absent' }
    await using run = startRun(environment)
    expect(await run.exited).toBe(1)
    expect(run.errorOutput()).toContain('The processor cannot start:\n  absent.events')
    expect(run.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'The processor cannot start',
      problems: expect.arrayContaining([expect.stringMatching(/^absent\.results|absent\.hooks/)]),
    })
  })

  it('is logged if settings are invalid', async () => {
    await using run = startRun({ KAFKA_BROKERS: '127.0.0.1:1', HOOKTIDE_TIMEOUT_MS: 'soon' })
    expect(await run.exited).toBe(2)
    expect(run.lines).toMatchObject([
      {
        level: 'fatal',
        msg: 'Settings are not usable',
        problems: [expect.stringMatching(/^HOOKTIDE_TIMEOUT_MS /)],
      },
    ])
  })
})

describe('the log', () => {
  it('is JSON with level names and ISO times, from the start to an uncaught error', async () => {
    const fail =
      "process.once('SIGUSR2', () => { process.emitWarning('hm'); setImmediate(() => { throw new Error('out of luck') }) })"
    await using run = startRun({
      KAFKA_BROKERS: '127.0.0.1:1',
      HOOKTIDE_LOG_LEVEL: 'trace',
      HOOKTIDE_LOG_FROMAT: 'a misspelt setting',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fail)}`,
    })
    await run.waitForLine(({ msg }) => msg === 'waiting for Kafka')
    run.signal('SIGUSR2')
    expect(await run.exited).toBe(1)
    expect(run.errorOutput()).toContain('out of luck')
    expect(run.errorOutput()).not.toContain('hm')
    expect(run.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'Node warns', error: 'hm' }),
    )
    expect(run.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'failed in a way that it does not know',
      error: 'out of luck',
    })
    expect(run.lines.some(({ msg }) => String(msg).startsWith('kafkajs: '))).toBe(true)
    for (const line of run.lines) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(?:trace|debug|info|warn|error|fatal)$/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      })
    }
  })
})

describe('the log for people', () => {
  it('is used if the setting says so, also without a terminal', async () => {
    await using run = startRun({ KAFKA_BROKERS: '127.0.0.1:1', HOOKTIDE_LOG_FORMAT: 'pretty' })
    const line = await run.waitForLine(({ msg }) => String(msg).includes(' listening '))
    expect(line.msg).toMatch(/^\d\d:\d\d:\d\d\.\d{3}Z INFO  listening port=\d+$/)
    run.signal('SIGTERM')
    expect(await run.exited).toBe(0)
  })
})

describe('SIGTERM', () => {
  it('ends a process that still waits for its registry', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await using waiting = startRun({
      ...rig.environment,
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
    })
    await waiting.waitForLine(({ msg }) => String(msg).includes('cannot be reached'))
    waiting.signal('SIGTERM')
    expect(await waiting.exited).toBe(0)
  })

  it('cancels calls that do not end in time, records them as interrupted, and exits with code 0', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({
      brokers,
      answer: ({ path }) => (path === '/hangs' ? { kind: 'hang' } : undefined),
    })
    await rig.putHooks({ id: 'hangs' })
    const one = await rig.run({ HOOKTIDE_SHUTDOWN_MS: '1500', HOOKTIDE_TIMEOUT_MS: '60000' })
    await rig.sendEvents({})
    await rig.receiver.waitFor(1)
    one.signal('SIGTERM')
    await one.waitForLine(({ msg }) => msg === 'stopping')
    expect(await page(await one.port, '/readyz')).toEqual({
      status: 503,
      text: 'not ready: stopping\n',
    })
    expect(await one.exited).toBe(0)
    const results = await rig.results.waitFor((all) => all.length === 1)
    expect(results).toMatchObject([{ outcome: 'interrupted', final: false, blame: 'hooktide' }])
    await rig.run()
    await rig.receiver.waitFor(2)
  })
})
