/** deploy/kubernetes.yml, compared with the settings and commands that it uses. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { commandList, loaded } from '../../src/commands/command-list.ts'
import { settingRows } from '../../src/settings/table.ts'
import { version } from '../../src/version.ts'

const commands = await loaded(commandList)

const text = readFileSync(new URL('../../deploy/kubernetes.yml', import.meta.url), 'utf8')
const objects: readonly KubernetesObject[] = parseAllDocuments(text).map(
  (document) => document.toJS() as KubernetesObject,
)
const variables = settingRows().map(({ variable }) => variable)
const defaultOf = (name: string) => settingRows().find(({ variable }) => variable === name)?.default

interface KubernetesObject {
  readonly kind: string
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: { readonly template?: { readonly spec: PodSpec } }
}

interface PodSpec {
  readonly enableServiceLinks?: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly containers: readonly {
    readonly image: string
    readonly args: readonly string[]
    readonly env?: readonly { readonly name: string }[]
    readonly livenessProbe?: { readonly httpGet: { readonly path: string } }
    readonly readinessProbe?: { readonly httpGet: { readonly path: string } }
    readonly ports?: readonly { readonly containerPort: number }[]
  }[]
}

describe('deploy/kubernetes.yml', () => {
  const pods = objects.flatMap(({ spec }) => spec?.template?.spec ?? [])
  const containers = pods.flatMap((pod) => pod.containers)

  it('sets what is a setting, and runs what is a command', () => {
    const settings = objects.find(({ kind }) => kind === 'ConfigMap')?.data ?? {}
    const named = containers.flatMap(({ env = [] }) => env.map(({ name }) => name))
    expect(variables).toEqual(expect.arrayContaining([...Object.keys(settings), ...named]))
    expect(containers.map(({ args }) => args.join(' '))).toEqual([
      'init --replication-factor 3',
      'run',
      'ingest',
    ])
    for (const { args } of containers) {
      const command = commands.find(({ name }) => name === args[0])
      const options = args.filter((word) => word.startsWith('--')).map((word) => word.slice(2))
      expect(Object.keys(command?.options ?? {})).toEqual(expect.arrayContaining(options))
    }
    for (const { image } of containers) expect(image).toBe(`hooktide:${version}`)
  })

  it('lets no Service of the namespace set what is a setting', () => {
    for (const pod of pods) expect(pod).toMatchObject({ enableServiceLinks: false })
  })

  it('mounts PEM files where its settings name them, once the comments are taken away', () => {
    const uncommented = text
      .replaceAll(/^( *)# (KAFKA_SSL_CA|volume)/gm, '$1$2')
      .replaceAll(/^( *)#( +- \{ name: tls)/gm, '$1$2')
    const [config, ...shown] = parseAllDocuments(uncommented).map(
      (document) => document.toJS() as KubernetesObject,
    )
    expect(config?.data).toMatchObject({ KAFKA_SSL_CA: '/tls/ca.pem' })
    expect(variables).toContain('KAFKA_SSL_CA')
    const specs = shown.flatMap(({ spec }) => spec?.template?.spec ?? [])
    expect(specs).toHaveLength(3)
    for (const spec of specs) {
      expect(spec).toMatchObject({
        volumes: [{ name: 'tls', secret: { secretName: 'hooktide-tls' } }],
        containers: [{ volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }] }],
      })
    }
  })

  it('probes what is served, and gives time to stop', () => {
    const status = { name: 'status', containerPort: Number(defaultOf('HOOKTIDE_HTTP_PORT')) }
    const serving = containers.filter(({ args }) => args[0] !== 'init')
    expect(serving).toHaveLength(2)
    for (const container of serving) {
      expect(container).toMatchObject({
        ports: expect.arrayContaining([status]),
        livenessProbe: { httpGet: { path: '/healthz', port: 'status' } },
        readinessProbe: { httpGet: { path: '/readyz', port: 'status' } },
      })
    }
    const graces = pods.flatMap((pod) => pod.terminationGracePeriodSeconds ?? [])
    expect(graces).toHaveLength(2)
    for (const grace of graces) {
      expect(grace * 1_000).toBeGreaterThan(Number(defaultOf('HOOKTIDE_SHUTDOWN_MS')) + 15_000)
    }
  })

  it('has a Service for the port that webhooks are sent to', () => {
    const webhooks = { name: 'webhooks', containerPort: Number(defaultOf('HOOKTIDE_INGEST_PORT')) }
    const ingest = containers.find(({ args }) => args[0] === 'ingest')
    expect(ingest?.ports).toContainEqual(webhooks)
    const service = objects.find(({ kind }) => kind === 'Service')
    expect(service).toMatchObject({
      spec: { selector: { app: 'hooktide-ingest' }, ports: [{ targetPort: 'webhooks' }] },
    })
  })
})
