/** Parts that somebody else started, and named. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { asError, UserError } from '../../src/core/model/errors.ts'
import type { Broker, Registry } from './parts.ts'

export interface GivenParts {
  readonly broker: Broker | undefined
  readonly registry: Registry | undefined
}

const answerMs = 5_000

/**
 * What `HOOKTIDE_TEST_BROKERS` and `HOOKTIDE_TEST_REGISTRY` name.
 *
 * @throws {UserError} when nothing answers there: whatever came after would blame other settings
 */
export async function givenParts(environment: NodeJS.ProcessEnv): Promise<GivenParts> {
  const brokers = (environment['HOOKTIDE_TEST_BROKERS'] ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
  const url = environment['HOOKTIDE_TEST_REGISTRY'] ?? ''
  await Promise.all([
    brokers.length === 0 ? undefined : reachBroker(brokers),
    url === '' ? undefined : reachRegistry(url),
  ])
  // What others started is theirs to stop.
  const stop = async () => {}
  return {
    broker: brokers.length === 0 ? undefined : { brokers, stop },
    registry: url === '' ? undefined : { url, stop },
  }
}

/** One broker is enough: a client learns of the others from it. */
async function reachBroker(brokers: readonly string[]): Promise<void> {
  try {
    await Promise.any(brokers.map(connectTo))
  } catch (error) {
    const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error]
    throw new UserError(
      `No Kafka broker answers at ${brokers.join(', ')} (${asError(first).message}): check HOOKTIDE_TEST_BROKERS, or leave it out and one is started.`,
    )
  }
}

async function connectTo(broker: string): Promise<void> {
  const { hostname, port } = new URL(`tcp://${broker}`)
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(answerMs) })
  } finally {
    socket.destroy()
  }
}

async function reachRegistry(url: string): Promise<void> {
  const advice = 'check HOOKTIDE_TEST_REGISTRY, or leave it out and one is started.'
  const answer = await ask(`${url}/subjects`)
  if (typeof answer === 'string') {
    throw new UserError(`No schema registry answers at ${url} (${answer}): ${advice}`)
  }
  if (!answer.ok) {
    throw new UserError(`${url} is no schema registry (it answered ${answer.status}): ${advice}`)
  }
}

/** The answer, or why there is none. */
async function ask(url: string): Promise<Response | string> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(answerMs) })
  } catch (error) {
    const { cause, message } = asError(error)
    return cause instanceof Error ? cause.message : message
  }
}
