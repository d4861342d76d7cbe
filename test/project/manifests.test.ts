import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = ['kubernetes.yml', 'kubernetes-keda.yml', 'kubernetes-network-policy.yml']

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
    const deployment = all.find(({ kind }) => kind === 'Deployment')
    const scaled = all.find(({ kind }) => kind === 'ScaledObject')
    const config = all.find(({ kind }) => kind === 'ConfigMap')
    expect(scaled).toMatchObject({ spec: { scaleTargetRef: { name: deployment?.metadata.name } } })
    const data = { KAFKA_BROKERS: expect.any(String), HOOKTIDE_GROUP_ID: expect.any(String) }
    expect(config).toMatchObject({ data })
    const { KAFKA_BROKERS, HOOKTIDE_GROUP_ID } = (config as unknown as { data: typeof data }).data
    const trigger = (topic: string) => ({
      metadata: { bootstrapServers: KAFKA_BROKERS, consumerGroup: HOOKTIDE_GROUP_ID, topic },
    })
    expect(scaled).toMatchObject({
      spec: { triggers: [trigger('auth.events'), trigger('auth.webhook.requests')] },
    })
    const pods = { matchLabels: { app: 'hooktide' } }
    expect(deployment).toMatchObject({ spec: { selector: pods } })
    for (const kind of ['NetworkPolicy', 'PodDisruptionBudget']) {
      const { spec } = all.find((manifest) => manifest.kind === kind) as unknown as {
        spec: { readonly podSelector?: object; readonly selector?: object }
      }
      expect(spec.podSelector ?? spec.selector).toEqual(pods)
    }
  })
})
