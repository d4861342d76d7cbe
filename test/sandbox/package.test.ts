import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { startReceiver } from '../../examples/sandbox/sandbox.ts'
import { version } from '../../src/version.ts'
import { hooktide, startMonitor, startRun } from '../support/hooktide-process.ts'
import { uniqueNames } from '../support/names.ts'
import { checkoutFolder, findNodeRelease, npm, RegistryAway, runToEnd } from '../support/npm.ts'
import { surroundings } from '../support/sandbox.ts'

/** What a clean checkout has, as far as packing needs it. */
const packedFrom = [
  ...['package.json', 'tsconfig.json', 'tsconfig.build.json'],
  ...['src', 'scripts', 'schemas', 'README.md', 'LICENSE'],
]
const oldestNode = '22.19.0'
const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const sample = join(checkoutFolder, 'test/samples/post-sign-in.json')

let folder: string
let consumer: string
let packed: readonly string[]
let away: RegistryAway | undefined

// In a folder of its own, so that nobody's `dist` is touched, and without one as in a clean checkout.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hooktide-package-'))
  const checkout = join(folder, 'checkout')
  consumer = join(folder, 'consumer')
  await mkdir(checkout)
  await mkdir(consumer)
  for (const name of packedFrom) {
    await cp(join(checkoutFolder, name), join(checkout, name), { recursive: true })
  }
  await symlink(join(checkoutFolder, 'node_modules'), join(checkout, 'node_modules'))
  await npm(checkout, 'pack', '--pack-destination', folder)
  const tarball = join(folder, `hooktide-${version}.tgz`)
  packed = (await runToEnd('tar', ['-tzf', tarball], folder)).trim().split('\n')
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  away = await unlessAway(npm(consumer, 'install', ...quick, tarball))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the package', () => {
  it('has compiled code, schemas, README and license, and nothing of demo, sandbox and tests', () => {
    const kinds = new Set(
      packed.map((path) => path.replace(/^package\/(dist|schemas)\/.*(\.\w+)$/, '$1/*$2')),
    )
    expect([...kinds].toSorted()).toEqual([
      'dist/*.css',
      'dist/*.html',
      'dist/*.js',
      'dist/*.svg',
      'dist/*.ts',
      'package/LICENSE',
      'package/README.md',
      'package/package.json',
      'package/src/hooktide.mjs',
      'schemas/*.avsc',
      'schemas/*.json',
      'schemas/*.yml',
    ])
    expect(packed.filter((path) => /demo\/|sandbox\/|examples\/|scripts\//.test(path))).toEqual([])
  })

  it('brings no Node along', async (context) => {
    skipIfAway(context)
    const listed = await npm(consumer, 'ls', '--all', '--parseable')
    expect(listed).toContain('kafkajs')
    expect(listed).not.toMatch(/node_modules\/(?:node|hooktide-node)$/m)
  })

  it.each([
    { resolution: 'nodenext', module: 'nodenext' },
    { resolution: 'bundler', module: 'esnext' },
  ])(
    'gives the types of all records to programs that resolve by $resolution',
    async ({ resolution, module }) => {
      await writeFile(join(consumer, 'program.mts'), program)
      const flags = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022', '--types', '']
      const how = ['--module', module, '--moduleResolution', resolution, '--ignoreConfig']
      const tsc = join(checkoutFolder, 'node_modules/typescript/bin/tsc')
      expect(
        await runToEnd(process.execPath, [tsc, ...flags, ...how, 'program.mts'], consumer),
      ).toBe('')
    },
  )

  it('gives the schemas by path, and names and values of records to programs as they run', async () => {
    const script = `
      import { readFileSync } from 'node:fs'
      import { outcomes, runHeaderNames } from 'hooktide'
      const schema = readFileSync(new URL(import.meta.resolve('hooktide/schemas/delivery-result.avsc')), 'utf8')
      console.log(JSON.stringify({ schema, outcomes, header: runHeaderNames.deliveryId }))`
    const printed = await runToEnd(
      process.execPath,
      ['--input-type=module', '-e', script],
      consumer,
    )
    expect(JSON.parse(printed)).toMatchObject({
      schema: await readFile(join(checkoutFolder, 'schemas/delivery-result.avsc'), 'utf8'),
      outcomes: expect.arrayContaining(['delivered', 'dead']),
      header: 'hooktide-delivery-id',
    })
  })
})

/** A producer and a reader. The lines that are expected to be errors prove that types are there and not `any`. */
const program = `
import { outcomes, runHeaderNames, type AuthEventPayload, type DeliveryResult, type HookRecord, type Outcome } from 'hooktide'

export const event: AuthEventPayload = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', userId: 'u1' }
export const hook: HookRecord = { id: 'h1', events: ['PostSignIn'], config: { url: 'https://receiver.example' }, signingKey: 'k' }
export const isOver = (result: DeliveryResult): boolean => result.final && result.nextDueAt === null
export const outcomeOf = ({ outcome }: DeliveryResult): Outcome | undefined => outcomes.find((known) => known === outcome)
export const header: 'hooktide-delivery-id' = runHeaderNames.deliveryId
// @ts-expect-error createdAt is missing
export const early: AuthEventPayload = { event: 'PostSignIn' }
// @ts-expect-error hooks need a signing key
export const unsigned: HookRecord = { id: 'h1', config: { url: 'https://receiver.example' } }
// @ts-expect-error no such field
export const missing = (result: DeliveryResult) => result.verdict
`

describe('the installed command', () => {
  it('tells its version, helps, and validates events by the schemas it brings', async (context) => {
    skipIfAway(context)
    const command = installed(process.execPath)
    const told = await hooktide(['--version'], {}, '', command)
    expect(told).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    const { stdout: help } = await hooktide(['--help'], {}, '', command)
    expect(help).toContain('events validate')
    const event = await readFile(sample, 'utf8')
    const refused = await hooktide(['events', 'validate', '-f', '-'], {}, event, command)
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('hookId') })
  })

  it('serves the page of the monitor with all that it needs, on the oldest Node too', async (context) => {
    skipIfAway(context)
    const node = await findNodeRelease(oldestNode).catch(() => process.execPath)
    const monitor = startMonitor(ownEnvironment(), [], installed(node))
    onTestFinished(async () => void (await monitor.stop()))
    const origin = await monitor.origin
    const page = await (await fetch(origin)).text()
    const files = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
    expect(files.length).toBeGreaterThan(6)
    const sought = new Set(files)
    for (const path of sought) {
      const answer = await fetch(origin + path)
      expect([path, answer.status]).toEqual([path, 200])
      const text = await answer.text()
      for (const [, name = ''] of text.matchAll(/ from '\.\/([\w-]+\.js)'/g))
        sought.add(`/assets/${name}`)
    }
    expect(sought.size).toBeGreaterThan(15)
  })

  it.for([
    {
      name: 'the Node of the checkout',
      find: () => Promise.resolve(process.execPath),
      compression: 'lz4',
    },
    {
      name: `Node ${oldestNode}, the oldest`,
      find: () => findNodeRelease(oldestNode),
      compression: 'zstd',
    },
  ])(
    'delivers an event through a real broker on $name, compressed by $compression',
    async ({ find, compression }, context) => {
      skipIfAway(context)
      const node = await find().catch((error: unknown) => {
        if (error instanceof RegistryAway) context.skip(`No Node ${oldestNode}: ${error.message}`)
        throw error
      })
      const command = installed(node)
      const environment = { ...ownEnvironment(), HOOKTIDE_COMPRESSION: compression }
      const receiver = await startReceiver({ keyOf: () => signingKey })
      onTestFinished(() => receiver.stop())
      const config = { url: receiver.origin }
      const hook = { id: 'packaged', events: ['PostSignIn'], config, signingKey }
      for (const [args, input] of [
        [['init', '--partitions', '1'], ''],
        [['hooks', 'put', '-f', '-'], JSON.stringify(hook)],
      ] as const) {
        expect(await hooktide(args, environment, input, command)).toMatchObject({ code: 0 })
      }
      await using run = startRun(environment, [], command)
      await run.ready()
      const send = ['events', 'send', '-f', sample, '--strip-hook-id']
      expect(await hooktide(send, environment, '', command)).toMatchObject({ code: 0 })
      const [request] = await receiver.waitFor(1)
      expect(request).toMatchObject({ logtoSignature: 'valid', standardSignature: 'valid' })
      run.signal('SIGTERM')
      expect(await run.exited).toBe(0)
      const { stdout } = await hooktide(
        ['results', '--until-end', '--json'],
        environment,
        '',
        command,
      )
      expect(JSON.parse(stdout)).toMatchObject({ hookId: 'packaged', outcome: 'delivered' })
    },
  )
})

function installed(node: string) {
  return { node, script: join(consumer, 'node_modules/.bin/hooktide') }
}

function ownEnvironment() {
  const { brokers, registryUrl } = surroundings()
  const { prefix, group } = uniqueNames()
  return {
    KAFKA_BROKERS: brokers.join(','),
    SCHEMA_REGISTRY_URL: registryUrl,
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: group,
    HOOKTIDE_ALLOW_HTTP: 'true',
    HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
  }
}

async function unlessAway(work: Promise<unknown>): Promise<RegistryAway | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof RegistryAway) return error
    throw error
  }
}

function skipIfAway(context: TestContext): void {
  context.skip(away !== undefined, `Nothing can be installed here: ${away?.message ?? ''}`)
}
