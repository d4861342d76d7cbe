/** A schema registry that answers as a test says. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { onTestFinished } from 'vitest'
import type { RegistrySettings } from '../../src/edge/registry/client.ts'

/** The answer of a registry that does not have a schema. */
export const schemaNotFound = [404, { error_code: 40_403, message: 'Schema not found' }] as const

/** @param answer gets paths without their queries, and returns a status and a body */
export async function startRegistry(
  answer: (path: string) => readonly [number, unknown],
): Promise<RegistrySettings> {
  const registry = createServer(({ url = '' }, response) => {
    const [status, body] = answer(url.replace(/\?.*$/, ''))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await once(registry.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void registry.close())
  const address = registry.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { url: `http://127.0.0.1:${port}`, username: undefined, password: undefined }
}
