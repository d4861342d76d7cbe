import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { loadAssets } from '../../src/monitor/api/assets.ts'
import { settingRows } from '../../src/settings/table.ts'
import { version } from '../../src/version.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = [
  ...['kubernetes.yml', 'kubernetes-keda.yml', 'kubernetes-network-policy.yml'],
  'kubernetes-monitor.yml',
]

/** Where the types of a kind are that were generated from Kubernetes's and KEDA's own schemas. */
const modules = {
  v1: 'kubernetes-models/v1',
  'apps/v1': 'kubernetes-models/apps/v1',
  'batch/v1': 'kubernetes-models/batch/v1',
  'policy/v1': 'kubernetes-models/policy/v1',
  'networking.k8s.io/v1': 'kubernetes-models/networking.k8s.io/v1',
  'keda.sh/v1alpha1': '@kubernetes-models/keda/keda.sh/v1alpha1',
} as const

interface Manifest {
  readonly apiVersion: keyof typeof modules
  readonly kind: string
  readonly metadata: { readonly name: string }
}

interface Rule {
  readonly from: readonly object[]
  readonly ports: readonly { readonly port: number }[]
}

function manifestsOf(file: string): readonly Manifest[] {
  const text = readFileSync(join(root, 'deploy', file), 'utf8')
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as Manifest
  })
}

/** A program that is typed rightly only where each manifest has all fields that its kind requires, and no other. */
function programOf(manifests: readonly Manifest[]): string {
  return manifests
    .map(({ apiVersion, kind, ...rest }, index) => {
      const type = `import('${modules[apiVersion]}').I${kind}`
      const value = JSON.stringify({ apiVersion, kind, ...rest }, undefined, 2)
      return `export const manifest${index}: ${type} = ${value}`
    })
    .join('\n')
}

async function faultsOf(program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-manifests-'))
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    await writeFile(join(folder, 'manifests.ts'), program)
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--types',
      '',
    ]
    const child = spawn(process.execPath, [compiler, ...options, 'manifests.ts'], { cwd: folder })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await once(child, 'close')
    return output
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe('the manifests for Kubernetes', () => {
  it('have all fields that the schemas of their kinds require, and no others', async () => {
    expect(await faultsOf(programOf(files.flatMap(manifestsOf)))).toBe('')
  })

  it('would be found out if a field were missing or misspelt', async () => {
    const [policy] = manifestsOf('kubernetes-network-policy.yml')
    if (policy === undefined) throw new Error('there is no policy')
    const misspelt = { ...policy, spec: { podSelectors: {} } }
    expect(await faultsOf(programOf([misspelt]))).toContain('podSelector')
  })

  it('are about the pods, the topics and the group that the deployment has', () => {
    const all = files.flatMap(manifestsOf)
    const scaled = all.find(({ kind }) => kind === 'ScaledObject')
    const config = all.find(({ kind }) => kind === 'ConfigMap')
    expect(scaled).toMatchObject({ spec: { scaleTargetRef: { name: 'hooktide' } } })
    const data = { KAFKA_BROKERS: expect.any(String), HOOKTIDE_GROUP_ID: expect.any(String) }
    expect(config).toMatchObject({ data })
    const { KAFKA_BROKERS, HOOKTIDE_GROUP_ID } = (config as unknown as { data: typeof data }).data
    const trigger = (topic: string) => ({
      metadata: { bootstrapServers: KAFKA_BROKERS, consumerGroup: HOOKTIDE_GROUP_ID, topic },
    })
    expect(scaled).toMatchObject({
      spec: { triggers: [trigger('auth.events'), trigger('auth.webhook.requests')] },
    })
  })

  it.each(['hooktide', 'hooktide-ingest'])(
    'have a policy, a budget and labels for the pods of the deployment %s',
    (app) => {
      const pods = { matchLabels: { app } }
      const named = (kind: string) =>
        files
          .flatMap(manifestsOf)
          .find((manifest) => manifest.kind === kind && manifest.metadata.name === app)
      const template = { metadata: { labels: { app } } }
      expect(named('Deployment')).toMatchObject({ spec: { selector: pods, template } })
      expect(named('NetworkPolicy')).toMatchObject({ spec: { podSelector: pods } })
      expect(named('PodDisruptionBudget')).toMatchObject({ spec: { selector: pods } })
    },
  )

  it('start a monitor with a token, an index and the port that is probed and served', () => {
    const manifests = manifestsOf('kubernetes-monitor.yml')
    const named = (kind: string) => manifests.find((manifest) => manifest.kind === kind)
    const app = 'hooktide-monitor'
    const pods = { matchLabels: { app } }
    const port = Number(
      settingRows().find(({ variable }) => variable === 'HOOKTIDE_MONITOR_PORT')?.default,
    )
    const probe = { httpGet: { path: '/assets/icon.svg', port: 'monitor' } }
    expect(loadAssets().find('icon.svg')).toBeDefined()
    const container = {
      args: ['monitor'],
      image: `hooktide:${version}`,
      envFrom: [
        { configMapRef: { name: 'hooktide' } },
        { secretRef: { name: 'hooktide', optional: true } },
        { secretRef: { name: app } },
      ],
      env: [
        { name: 'HOOKTIDE_MONITOR_HOST', value: '0.0.0.0' },
        { name: 'HOOKTIDE_MONITOR_STORE', value: '/index/index.sqlite' },
      ],
      ports: [{ name: 'monitor', containerPort: port }],
      volumeMounts: [{ name: 'index', mountPath: '/index' }],
      ...{ startupProbe: probe, livenessProbe: probe, readinessProbe: probe },
    }
    const template = {
      metadata: { labels: { app } },
      spec: { enableServiceLinks: false, containers: [container] },
    }
    expect(named('Deployment')).toMatchObject({ spec: { selector: pods, template } })
    expect(named('Service')).toMatchObject({
      spec: { selector: { app }, ports: [{ targetPort: 'monitor' }] },
    })
    expect(named('NetworkPolicy')).toMatchObject({
      spec: { podSelector: pods, ingress: [{ ports: [{ port }] }] },
    })
  })

  it('let webhooks and scrapes reach the ports of ingest, and nothing else', () => {
    const policy = manifestsOf('kubernetes-network-policy.yml').find(
      ({ metadata }) => metadata.name === 'hooktide-ingest',
    )
    const { ingress } = (policy as unknown as { spec: { ingress: readonly Rule[] } }).spec
    const rows = settingRows()
    const ports = ['HOOKTIDE_HTTP_PORT', 'HOOKTIDE_INGEST_PORT'].map((variable) =>
      Number(rows.find((row) => row.variable === variable)?.default),
    )
    expect(ingress.flatMap((rule) => rule.ports.map(({ port }) => port))).toEqual(ports)
    for (const rule of ingress) expect(rule.from).not.toEqual([])
  })
})
