import { createServer } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { hasDockerEngine } from '../../src/sandbox/containers.ts'
import { startSurroundings } from '../../src/sandbox/surroundings.ts'

const server = createServer()
afterEach(() => new Promise((resolve) => server.close(resolve)))

it('takes the given broker and registry, and never the broker of the product', async () => {
  const environment = {
    KAFKA_BROKERS: 'production.example:9092',
    SCHEMA_REGISTRY_URL: 'http://production.example',
    HOOKTIDE_TEST_BROKERS: '127.0.0.1:1001, 127.0.0.1:1002',
    HOOKTIDE_TEST_REGISTRY: 'http://127.0.0.1:1003/apis/ccompat/v7',
  }
  const { brokers, registryUrl, kind } = await startSurroundings({ environment })
  expect({ brokers, registryUrl, kind }).toEqual({
    brokers: ['127.0.0.1:1001', '127.0.0.1:1002'],
    registryUrl: 'http://127.0.0.1:1003/apis/ccompat/v7',
    kind: 'given',
  })
})

it('asks the engine of DOCKER_HOST whether it answers', async () => {
  const asked: (string | undefined)[] = []
  server.on('request', (request, response) => {
    asked.push(request.url)
    response.end('OK')
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('no port'))
      else resolve(address.port)
    })
  })
  const engine = `tcp://127.0.0.1:${port}`
  expect(await hasDockerEngine({ DOCKER_HOST: engine })).toBe(true)
  expect(asked).toEqual(['/_ping'])
  expect(await hasDockerEngine({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })).toBe(false)
})
