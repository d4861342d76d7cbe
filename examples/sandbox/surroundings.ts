/**
 * Kafka and a schema registry for tests and demo. `KAFKA_BROKERS` is never looked at: it may be someone's production.
 */
import { asError } from '../../src/core/model/errors.ts'
import { hasDockerEngine, startKafkaContainer, startRegistryContainer } from './containers.ts'
import { givenParts, type GivenParts } from './given-parts.ts'
import { startEmbeddedKafka, type EmbeddedKafka } from './kafka.ts'
import { silent, type Broker, type Progress, type Registry } from './parts.ts'
import { startEmbeddedRegistry } from './registry.ts'

export interface SurroundingsOptions {
  readonly progress?: Progress
  /** The process's own by default. */
  readonly environment?: NodeJS.ProcessEnv
  /** Ends a fetch, which may take minutes. What starts within seconds is started, and can then be stopped. */
  readonly signal?: AbortSignal
}

export interface Surroundings {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  /** How the broker came about. */
  readonly kind: 'given' | 'containers' | 'embedded'
  /** The broker, if it is embedded: it can be killed and restarted. */
  readonly kafka?: EmbeddedKafka
  /** Ends what was started here. */
  stop(): Promise<void>
}

/**
 * Each part is the one named by `HOOKTIDE_TEST_BROKERS` or `HOOKTIDE_TEST_REGISTRY`, else a container where a Docker
 * engine answers, else a child process.
 * @throws {UserError} when a part cannot be had.
 */
export async function startSurroundings(options: SurroundingsOptions = {}): Promise<Surroundings> {
  const environment = options.environment ?? process.env
  const progress = options.progress ?? silent
  const given = await givenParts(environment)
  if (given.broker !== undefined && given.registry !== undefined) {
    return joined('given', given.broker, given.registry)
  }
  if (await hasDockerEngine(environment)) {
    progress('Starting what is needed of Kafka and a schema registry in containers')
    try {
      return await inContainers(given, environment)
    } catch (error) {
      progress(`The containers do not start (${asError(error).message}): trying child processes`)
    }
  }
  progress('Starting what is needed of Kafka and a schema registry as child processes')
  return await embedded(given, { ...options, environment, progress })
}

async function inContainers(
  given: GivenParts,
  environment: NodeJS.ProcessEnv,
): Promise<Surroundings> {
  const [broker, registry] = await bothOrNone(
    given.broker ?? startKafkaContainer(environment),
    given.registry ?? startRegistryContainer(),
  )
  return joined(given.broker === undefined ? 'containers' : 'given', broker, registry)
}

type EmbeddedOptions = SurroundingsOptions &
  Required<Pick<SurroundingsOptions, 'progress' | 'environment'>>

async function embedded(given: GivenParts, options: EmbeddedOptions): Promise<Surroundings> {
  if (given.broker !== undefined) {
    return joined('given', given.broker, await startEmbeddedRegistry(options))
  }
  const [kafka, registry] = await bothOrNone(
    startEmbeddedKafka(options),
    given.registry ?? startEmbeddedRegistry(options),
  )
  return { ...joined('embedded', kafka, registry), kafka }
}

/** Two parts at the same time; when one fails, the other is stopped, and then the failure is thrown. */
async function bothOrNone<B extends Broker>(
  starting: B | Promise<B>,
  registryStarting: Registry | Promise<Registry>,
): Promise<readonly [B, Registry]> {
  const [broker, registry] = await Promise.allSettled([starting, registryStarting])
  if (broker.status === 'fulfilled' && registry.status === 'fulfilled') {
    return [broker.value, registry.value]
  }
  if (broker.status === 'fulfilled') await broker.value.stop()
  if (registry.status === 'fulfilled') await registry.value.stop()
  throw [broker, registry].find((part) => part.status === 'rejected')?.reason
}

function joined(kind: Surroundings['kind'], broker: Broker, registry: Registry): Surroundings {
  return {
    brokers: broker.brokers,
    registryUrl: registry.url,
    kind,
    async stop() {
      await Promise.all([broker.stop(), registry.stop()])
    },
  }
}
