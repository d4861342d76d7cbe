import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { hasDockerEngine } from '../../examples/sandbox/containers.ts'
import { startSurroundings } from '../../examples/sandbox/sandbox.ts'
import { listening } from '../support/listening.ts'

/** What listens, and answers every request with `status`. @param asked what it was asked, filled as it comes */
async function answering(status: number, asked: string[] = []): Promise<string> {
  const server = createServer(({ url }, response) => {
    asked.push(url ?? '')
    response.writeHead(status).end('[]')
  })
  return `127.0.0.1:${await listening(server)}`
}

it('takes the given broker and registry, and never the broker of the product', async () => {
  const broker = await answering(200)
  const registry = `http://${await answering(200)}/apis/ccompat/v7`
  const environment = {
    KAFKA_BROKERS: 'production.example:9092',
    SCHEMA_REGISTRY_URL: 'http://production.example',
    HOOKTIDE_TEST_BROKERS: `127.0.0.1:1, ${broker}`,
    HOOKTIDE_TEST_REGISTRY: registry,
  }
  const { brokers, registryUrl, kind } = await startSurroundings({ environment })
  expect({ brokers, registryUrl, kind }).toEqual({
    brokers: ['127.0.0.1:1', broker],
    registryUrl: registry,
    kind: 'given',
  })
})

it('says by its own variable that a given part does not answer', async () => {
  const broker = { HOOKTIDE_TEST_BROKERS: '127.0.0.1:1' }
  await expect(startSurroundings({ environment: broker })).rejects.toThrow(
    /^No Kafka broker answers at 127\.0\.0\.1:1 \(connect ECONNREFUSED .*\): check HOOKTIDE_TEST_BROKERS/,
  )
  const away = { HOOKTIDE_TEST_REGISTRY: 'http://127.0.0.1:1' }
  await expect(startSurroundings({ environment: away })).rejects.toThrow(
    /^No schema registry answers at http:\/\/127\.0\.0\.1:1 \(.+\): check HOOKTIDE_TEST_REGISTRY/,
  )
  const other = { HOOKTIDE_TEST_REGISTRY: `http://${await answering(404)}` }
  await expect(startSurroundings({ environment: other })).rejects.toThrow(
    /is no schema registry \(it answered 404\): check HOOKTIDE_TEST_REGISTRY/,
  )
})

it('asks the engine of DOCKER_HOST whether it answers', async () => {
  const asked: string[] = []
  const engine = await answering(200, asked)
  expect(await hasDockerEngine({ DOCKER_HOST: `tcp://${engine}` })).toBe(true)
  expect(asked).toEqual(['/_ping'])
  expect(await hasDockerEngine({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })).toBe(false)
})
