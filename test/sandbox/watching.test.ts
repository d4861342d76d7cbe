import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { isFree } from '../../examples/sandbox/sandbox.ts'

const sandbox = fileURLToPath(new URL('../../examples/sandbox/sandbox.ts', import.meta.url))

/** Starts a broker, says where, and goes on for ever. */
const program = `
  import { startEmbeddedKafka } from ${JSON.stringify(sandbox)}
  const { folder, port } = await startEmbeddedKafka()
  console.log(JSON.stringify({ folder, port }))`

it('neither the broker nor its folder outlives a process that is killed', async () => {
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = await new Promise<string>((resolve) => {
    owner.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))
  })
  const { folder, port } = JSON.parse(said) as { readonly folder: string; readonly port: number }
  const client = connect(port, '127.0.0.1')
  await once(client, 'connect')
  const broken = new Promise((resolve) => {
    client.on('error', () => {})
    client.once('close', resolve)
  })

  owner.kill('SIGKILL')

  await broken
  // The kernel may close a killed process's connections before the port that it listened on.
  const patience = { timeout: 20_000 }
  expect(await vi.waitUntil(() => isFree(port), patience)).toBe(true)
  await vi.waitUntil(() => !existsSync(folder), patience)
})
