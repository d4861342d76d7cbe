/**
 * Dockerfile and docker-compose.yml, held to the code that they start; and what `docker compose up`
 * does, played on the tests' broker and registry: the same commands with the same settings, only the addresses replaced.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { commandList, loaded } from '../../src/commands/command-list.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { settingRows } from '../../src/settings/table.ts'
import {
  createReceiverPage,
  kafkaVersion,
  registryPath,
  registryVersion,
} from '../../examples/sandbox/sandbox.ts'
import { version } from '../../src/version.ts'
import {
  hooktide,
  startIngest,
  startRun,
  type RunningProcess,
} from '../support/hooktide-process.ts'
import { imageProgram } from '../support/image-program.ts'
import { uniqueNames } from '../support/names.ts'
import { checkoutFolder } from '../support/npm.ts'
import { surroundings } from '../support/sandbox.ts'

const commands = await loaded(commandList)
const programOfImage = imageProgram()

const textOf = (path: string) => readFileSync(join(checkoutFolder, path), 'utf8')
const dockerfile = textOf('Dockerfile')
const compose: { readonly services: Readonly<Record<string, Service>> } = parse(
  textOf('docker-compose.yml'),
  { merge: true },
)
interface Service {
  readonly image: string
  readonly build?: { readonly target: string }
  readonly pull_policy?: string
  readonly profiles?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly stop_grace_period?: string
  readonly tmpfs?: readonly string[]
  readonly ports?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly volumes?: readonly string[]
}

function service(name: string): Service {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`)
  return found
}

/** The services that are started with this one, since it depends on them. */
function startedBefore(name: string): readonly string[] {
  return Object.keys(service(name).depends_on ?? {}).flatMap((one) => [one, ...startedBefore(one)])
}

const variables = settingRows().map(({ variable }) => variable)
const defaultOf = (name: string) => settingRows().find(({ variable }) => variable === name)?.default
const commandNames = commands.map(({ name }) => name)
const ours = Object.entries(compose.services).filter(([, { image }]) =>
  image.startsWith('hooktide:'),
)

describe('the Dockerfile', () => {
  it('has the very Node that checkouts bring along', () => {
    const manifest = JSON.parse(textOf('scripts/node/package.json'))
    expect(dockerfile).toContain(`ARG NODE_IMAGE=node:${manifest.optionalDependencies.node}-slim\n`)
    expect(dockerfile.match(/^FROM (?!manifests|build)(\S+)/gm)).toEqual([
      'FROM ${NODE_IMAGE}',
      'FROM ${NODE_IMAGE}',
      'FROM ${NODE_IMAGE}',
    ])
  })

  it('copies only what .dockerignore lets through', () => {
    const allowed = textOf('.dockerignore').match(/(?<=^!).+/gm) ?? []
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, sources = '']) => sources.split(' '),
    )
    expect(copied.length).toBeGreaterThan(5)
    for (const path of copied) expect(allowed).toContain(path.split('/')[0])
  })

  it('gives the receiver the one package that its source imports, with what that needs', () => {
    const manifest = JSON.parse(textOf('node_modules/standardwebhooks/package.json'))
    const copied = [...dockerfile.matchAll(/^COPY --from=build \/app\/node_modules\/(\S+) /gm)].map(
      ([, name = '']) => name,
    )
    expect(copied.toSorted()).toEqual(
      ['standardwebhooks', ...Object.keys(manifest.dependencies)].toSorted(),
    )
    const sources = ['examples/sandbox/receiver-page.ts', 'examples/sandbox/receiver.ts']
      .map(textOf)
      .join('\n')
    const packages = [...sources.matchAll(/ from '([^.n][^:']*)'/g)].map(([, name]) => name)
    expect(new Set(packages)).toEqual(new Set(['standardwebhooks']))
  })

  it.runIf(process.platform === 'linux')(
    'lets V8 have the cores beside the first, and no more',
    async () => {
      const countThreads = `const fs = require('node:fs')
      const names = fs.readdirSync('/proc/self/task').map((id) => fs.readFileSync('/proc/self/task/' + id + '/comm', 'utf8'))
      process.exit(names.filter((name) => name.startsWith('V8Worker')).length)`
      const count = await exitCodeOf(programOfImage.node, [
        ...(programOfImage.options ?? []),
        '-e',
        countThreads,
      ])
      expect(count).toBe(Math.max(1, availableParallelism() - 1))
    },
  )

  it('names the ports that are the defaults', () => {
    const ports = ['HOOKTIDE_HTTP_PORT', 'HOOKTIDE_INGEST_PORT'].map(defaultOf)
    expect(dockerfile).toContain(`EXPOSE ${ports.join(' ')}\n`)
    expect(dockerfile).toContain(`|| ${defaultOf('HOOKTIDE_HTTP_PORT')}}/healthz`)
  })
})

describe('docker-compose.yml', () => {
  it('starts the parts in the versions that tests and demo use', () => {
    expect(service('broker').image).toBe(`apache/kafka:${kafkaVersion}`)
    expect(service('registry').image).toBe(`apicurio/apicurio-registry-mem:${registryVersion}`)
    for (const [, { image }] of ours) expect(image).toBe(`hooktide:${version}`)
    expect(service('receiver').image).toBe(`hooktide-receiver:${version}`)
  })

  it('builds each image once, asks no registry for it, and uses it where it is built first', () => {
    const built = Object.entries(compose.services).filter(([, { build }]) => build !== undefined)
    expect(built.map(([name, { build, image }]) => [name, build?.target, image])).toEqual([
      ['init', 'hooktide', `hooktide:${version}`],
      ['receiver', 'receiver', `hooktide-receiver:${version}`],
    ])
    for (const [, { pull_policy }] of built) expect(pull_policy).toBe('build')
    for (const [name, { pull_policy, profiles }] of ours.filter(([name]) => name !== 'init')) {
      expect(pull_policy).toBe('never')
      if (profiles === undefined) expect(startedBefore(name)).toContain('init')
    }
  })

  it('sets what is a setting, and runs what is a command', () => {
    expect(ours.map(([name]) => name)).toEqual([
      ...['init', 'cli', 'processor', 'ingest', 'monitor', 'hook', 'event', 'webhook'],
    ])
    for (const [name, { environment = {}, command = [], entrypoint }] of ours) {
      expect(variables).toEqual(expect.arrayContaining(Object.keys(environment)))
      if (name === 'cli' || entrypoint !== undefined) continue
      expect(commandNames.some((name) => `${command.join(' ')} `.startsWith(`${name} `))).toBe(true)
    }
  })

  it('has a service for any command, which builds nothing and waits for nothing', () => {
    expect(service('cli')).toMatchObject({ profiles: ['cli'], command: ['--help'] })
    expect(service('cli').build).toBeUndefined()
    expect(service('cli').depends_on).toBeUndefined()
  })

  it('starts the monitor only when it is asked for, with a token and a folder for its index', () => {
    const port = defaultOf('HOOKTIDE_MONITOR_PORT')
    const monitor = service('monitor')
    expect(monitor).toMatchObject({
      profiles: ['monitor'],
      ports: [`127.0.0.1:${port}:${port}`],
      tmpfs: ['/tmp'],
    })
    const environment = Object.entries(monitor.environment ?? {})
    const settings = readSettings(
      Object.fromEntries(environment.map(([name, value]) => [name, String(value)])),
    )
    expect(settings.monitorHost).toBe('0.0.0.0')
    expect(settings.monitorToken).toMatch(/example/)
    expect(monitor.healthcheck?.test?.at(-1)).toContain(`http://127.0.0.1:${port}/`)
  })

  it('gives what hooktide is of no rights, and time to stop', () => {
    for (const name of [...ours.map(([one]) => one), 'receiver']) {
      expect(service(name)).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
    }
    for (const name of ['processor', 'ingest']) {
      const graceMs = Number.parseInt(service(name).stop_grace_period ?? '', 10) * 1_000
      expect(graceMs).toBeGreaterThan(Number(defaultOf('HOOKTIDE_SHUTDOWN_MS')) + 15_000)
    }
  })

  it('waits for nothing that cannot be waited for', () => {
    for (const { depends_on = {} } of Object.values(compose.services)) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        const { healthcheck, command } = service(name)
        if (condition === 'service_healthy') expect(healthcheck?.test).toBeDefined()
        else expect(command).not.toEqual(['run'])
      }
    }
  })
})

describe('what docker compose up does', () => {
  let sample: string
  let processor: RunningProcess | undefined
  const lines: string[] = []
  const key = JSON.parse(textOf('deploy/compose/hook.json')).signingKey
  const page = createReceiverPage({ key, log: (line) => lines.push(line) })
  const { prefix, group } = uniqueNames()
  let origin: string

  beforeAll(async () => {
    page.listen(0, '127.0.0.1')
    await once(page, 'listening')
    const address = page.address()
    if (address === null || typeof address === 'string') throw new Error('the page has no port')
    origin = `http://127.0.0.1:${address.port}`
    sample = await mkdtemp(join(tmpdir(), 'hooktide-compose-'))
    await cp(join(checkoutFolder, 'deploy/compose'), sample, { recursive: true })
    const hook = await readFile(join(sample, 'hook.json'), 'utf8')
    await writeFile(join(sample, 'hook.json'), hook.replace('http://receiver:8080', origin))
  })
  afterAll(async () => {
    await processor?.[Symbol.asyncDispose]()
    page.closeAllConnections()
    page.close()
    await rm(sample, { recursive: true, force: true })
  })

  /** The settings of the file, with the addresses of this machine, and names that are nobody else's. */
  const environmentOf = (name: string) => {
    const { brokers, registryUrl } = surroundings()
    const { environment = {} } = service(name)
    expect(environment).toMatchObject({
      KAFKA_BROKERS: 'broker:19092',
      SCHEMA_REGISTRY_URL: `http://registry:8080${registryPath}`,
    })
    return {
      ...Object.fromEntries(
        Object.entries(environment).map(([variable, value]) => [variable, String(value)]),
      ),
      KAFKA_BROKERS: brokers.join(','),
      SCHEMA_REGISTRY_URL: registryUrl,
      HOOKTIDE_ALLOW_CIDRS: `${String(environment['HOOKTIDE_ALLOW_CIDRS'])},127.0.0.0/8`,
      HOOKTIDE_TOPIC_PREFIX: prefix,
      HOOKTIDE_GROUP_ID: group,
    }
  }
  const runToEnd = (name: string) => {
    const args = (service(name).command ?? []).map((word) => word.replace(/^\/sample/, sample))
    return hooktide(args, environmentOf(name), '', programOfImage)
  }

  it('sees by its health checks that broker and registry are there', async () => {
    const { brokers, registryUrl } = surroundings()
    const [broker = ''] = brokers
    const addresses = {
      broker: broker.replace(':', '/'),
      registry: new URL(registryUrl).host.replace(':', '/'),
    }
    const check = async (name: 'broker' | 'registry', address: string) => {
      const [, program = '', ...args] = service(name).healthcheck?.test ?? []
      const here = args.map((word) =>
        word.replaceAll('$$', '$').replace(/127\.0\.0\.1\/\d+/, address),
      )
      return await exitCodeOf(program, here)
    }
    for (const name of ['broker', 'registry'] as const) {
      expect(await check(name, addresses[name])).toBe(0)
      expect(await check(name, '127.0.0.1/1')).not.toBe(0)
    }
  })

  it('makes topics, starts the processor and shows a delivered webhook on the page', async () => {
    expect(await runToEnd('init')).toMatchObject({ code: 0 })
    expect(await runToEnd('hook')).toMatchObject({ code: 0 })
    processor = startRun(environmentOf('processor'), [], programOfImage)
    await processor.ready()
    const arrived = once(page, 'request')
    expect(await runToEnd('event')).toMatchObject({ code: 0 })
    await arrived
    const recorded = await processor.waitForLine(({ msg }) => msg === 'delivery.recorded')
    expect(recorded).toMatchObject({ outcome: 'delivered', hookId: 'compose' })
    expect(lines).toEqual([
      expect.stringMatching(
        /"event":"PostSignIn".*Logto's signature valid, Standard Webhooks signature valid$/,
      ),
    ])
    expect(await (await fetch(origin)).text()).toContain('<td>PostSignIn<td>dlv_')
  })

  it('takes a webhook as Logto sends it, and shows what is delivered of it on the page', async () => {
    const environment = environmentOf('ingest')
    await using ingest = startIngest(environment, programOfImage)
    await ingest.ready()
    const { port } = await ingest.waitForLine(({ msg }) => msg === 'receiving webhooks')
    const [program = '', script = ''] = service('webhook').entrypoint ?? []
    const [url = ''] = service('webhook').command ?? []
    expect([program, service('webhook').environment]).toEqual([
      'node',
      service('ingest').environment,
    ])
    const args = [
      script.replace(/^\/sample/, sample),
      url.replace(`ingest:${defaultOf('HOOKTIDE_INGEST_PORT')}`, `127.0.0.1:${String(port)}`),
    ]
    const arrived = once(page, 'request')
    expect(await exitCodeOf(process.execPath, args, environment)).toBe(0)
    await arrived
    await expect.poll(() => lines).toHaveLength(2)
    expect(lines[1]).toMatch(/Logto's signature valid, Standard Webhooks signature valid$/)
    expect(await exitCodeOf(process.execPath, args, { HOOKTIDE_INGEST_SIGNING_KEYS: 'x' })).toBe(1)
  })

  it('sees by the health checks of image and file how the processor is', async () => {
    const port = String(await processor?.port)
    const [, ofImage = ''] = /^HEALTHCHECK [^[]*CMD (\[.*\])$/m.exec(dockerfile) ?? []
    const [program, ...words]: readonly string[] = JSON.parse(ofImage)
    const [, , ...ofFile] = service('processor').healthcheck?.test ?? []
    expect(program).toBe('node')
    const inFile = (at: string) => ofFile.map((word) => word.replace('9400', at))
    expect(await exitCodeOf(process.execPath, words, { HOOKTIDE_HTTP_PORT: port })).toBe(0)
    expect(await exitCodeOf(process.execPath, words, { HOOKTIDE_HTTP_PORT: '1' })).toBe(1)
    expect(await exitCodeOf(process.execPath, inFile(port))).toBe(0)
    expect(await exitCodeOf(process.execPath, inFile('1'))).toBe(1)
  })

  it('makes no markup of what a call holds, and calls a forged signature invalid', async () => {
    const headers = { 'logto-signature-sha-256': '00', 'webhook-id': '<b>id</b>' }
    const body = '{"event":"<script>alert(1)</script>"}'
    await fetch(`${origin}/forged\u2028`, { method: 'POST', headers, body })
    expect(lines.at(-1)).toContain("Logto's signature invalid, Standard Webhooks signature absent")
    const html = await (await fetch(origin)).text()
    expect(html).toContain('&lt;script>alert(1)&lt;/script>')
    expect(html).not.toMatch(/<script|<b>/)
  })
})

function exitCodeOf(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { env: { ...process.env, ...environment } }, () => {
      resolve(child.exitCode ?? -1)
    })
  })
}
