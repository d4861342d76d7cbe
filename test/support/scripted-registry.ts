/** A schema registry that answers as a test says. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import type { RegistrySettings } from '../../src/edge/registry/client.ts'

/** @param answer gets paths without their queries */
export async function startRegistry(
  answer: (path: string, response: ServerResponse) => void,
): Promise<RegistrySettings> {
  const registry = createServer(({ url = '' }, response) => {
    answer(url.replace(/\?.*$/, ''), response)
  })
  await once(registry.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void registry.close())
  const address = registry.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { url: `http://127.0.0.1:${port}`, username: undefined, password: undefined }
}
