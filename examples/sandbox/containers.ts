/** The same parts from Docker images. Imported only where an engine answers: testcontainers is for development. */
import { request, type RequestOptions } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { kafkaVersion, registryVersion } from './artifacts.ts'
import { brokerSettings } from './broker-settings.ts'
import { freePort } from './free-port.ts'
import { registryPath } from './registry.ts'
import type { Broker, Registry } from './parts.ts'

const pingTimeoutMs = 1_500

/** Whether a Docker engine answers: the one of `DOCKER_HOST`, else one of the usual sockets. */
export async function hasDockerEngine(environment: NodeJS.ProcessEnv): Promise<boolean> {
  for (const engine of engines(environment)) {
    if (await answers(engine)) return true
  }
  return false
}

function engines(environment: NodeJS.ProcessEnv): readonly RequestOptions[] {
  const host = environment['DOCKER_HOST'] ?? ''
  if (host === '') {
    const runtime = environment['XDG_RUNTIME_DIR'] ?? ''
    return [
      { socketPath: '/var/run/docker.sock' },
      ...(runtime === '' ? [] : [{ socketPath: join(runtime, 'docker.sock') }]),
      { socketPath: join(homedir(), '.docker/run/docker.sock') },
    ]
  }
  if (host.startsWith('unix://')) return [{ socketPath: host.slice('unix://'.length) }]
  if (!URL.canParse(host)) return []
  const { protocol, hostname, port } = new URL(host)
  return protocol === 'tcp:' || protocol === 'http:' ? [{ host: hostname, port }] : []
}

async function answers(engine: RequestOptions): Promise<boolean> {
  return await new Promise((resolve) => {
    const ping = request({ ...engine, path: '/_ping', timeout: pingTimeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.on('error', () => resolve(false))
    ping.on('timeout', () => ping.destroy(new Error('no answer')))
    ping.end()
  })
}

/** Kafka's own image. Clients are told the host's port, so that is chosen before the container starts. */
export async function startKafkaContainer(environment: NodeJS.ProcessEnv): Promise<Broker> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const port = await freePort()
  const advertised = `${engineHost(environment)}:${port}`
  const listen = { host: '0.0.0.0', port: 9092, controllerPort: 9093 }
  // With a variable for any setting the image drops all settings of its own, its folder for data too.
  const overrides = { 'log.dirs': '/tmp/kraft-combined-logs' }
  const container = await new GenericContainer(`apache/kafka:${kafkaVersion}`)
    .withExposedPorts({ container: listen.port, host: port })
    .withEnvironment(imageVariables(brokerSettings({ listen, advertised, overrides })))
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start()
  return { brokers: [advertised], stop: async () => void (await container.stop()) }
}

export async function startRegistryContainer(): Promise<Registry> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const container = await new GenericContainer(`apicurio/apicurio-registry-mem:${registryVersion}`)
    .withExposedPorts(8080)
    .withWaitStrategy(Wait.forHttp(`${registryPath}/subjects`, 8080))
    .start()
  const url = `http://${container.getHost()}:${container.getMappedPort(8080)}${registryPath}`
  return { url, stop: async () => void (await container.stop()) }
}

function engineHost(environment: NodeJS.ProcessEnv): string {
  const host = environment['DOCKER_HOST'] ?? ''
  return /^(tcp|http):/.test(host) ? new URL(host).hostname : '127.0.0.1'
}

/** The image takes a broker setting as a variable: `log.dirs` as `KAFKA_LOG_DIRS`. */
function imageVariables(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
      value,
    ]),
  )
}
