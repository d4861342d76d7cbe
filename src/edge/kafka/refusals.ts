/** The errors for a Kafka that cannot be reached or refuses the connection. Each says in one sentence what to do. */
import { asError, UserError } from '../../core/model/errors.ts'
import { grantLines, type Right } from './needed-rights.ts'
import { causesOf, errorType, isPassing, type KafkaSettings, messageOf } from './client.ts'
import { leaderTypes } from './leaders.ts'
import { type ConnectionFault, noSecurity, principalOf } from './security.ts'
import { LoginRefused } from './token-login.ts'

/** The error for a failure that may pass by itself. Of the errors of this file only these have a cause. */
export function passingFailure(settings: KafkaSettings, thrown: unknown, what?: string): UserError {
  const reason = `${what === undefined ? '' : `${what}: `}${messageOf(thrown)}`
  const options = { cause: thrown }
  if (!leaderTypes.has(errorType(thrown) ?? '')) return unreachable(settings, reason, options)
  const advice = 'Check that the brokers that have replicas of its partitions are running.'
  return new UserError(`${reason}. ${advice}`, 1, options)
}

/** No broker answers. */
export function unreachable(
  { brokers }: KafkaSettings,
  reason: string,
  options?: { readonly cause: unknown },
): UserError {
  return new UserError(
    `No Kafka broker answers at ${brokers.join(', ')} (${reason}): check KAFKA_BROKERS and that it is running and reachable.`,
    1,
    options,
  )
}

/**
 * Opens a connection. If a broker refuses in a way that a retry cannot change, this does not wait until KafkaJS gives up.
 *
 * @param what names in the error what is not possible without the connection
 * @throws {UserError} that says why not
 */
export async function opening<Result>(
  settings: KafkaSettings,
  open: (onFault: (fault: ConnectionFault) => void) => Promise<Result>,
  what?: string,
): Promise<Result> {
  const refused = Promise.withResolvers<never>()
  refused.promise.catch(() => undefined)
  let last: ConnectionFault | undefined
  try {
    const opened = open((fault) => {
      last = fault
      const { message, isCertain, cause } = fault
      if (isCertain) refused.reject(new UserError(message, 1, cause && { cause }))
    })
    return await Promise.race([opened, refused.promise])
  } catch (error) {
    if (error instanceof UserError) throw error
    const refusal = loginRefusal(settings, error)
    if (refusal !== undefined) throw new UserError(refusal)
    if (isConnectionError(error) && last !== undefined) throw new UserError(last.message)
    if (!isConnectionError(error) && !isPassing(error)) throw error
    throw passingFailure(settings, error, what)
  }
}

const connectionErrors = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSNumberOfRetriesExceeded',
])

function isConnectionError(error: unknown): boolean {
  return connectionErrors.has(asError(error).name)
}

/** The error for a refused login; `undefined` for other errors. */
export function loginRefusal(settings: KafkaSettings, thrown: unknown): string | undefined {
  const { brokers, security } = settings
  const where = brokers.join(', ')
  const { mechanism = '' } = security?.sasl ?? {}
  const causes = [...causesOf(thrown)]
  const ofToken = causes.find((error) => error instanceof LoginRefused)
  if (ofToken !== undefined) return ofToken.message
  const type = errorType(thrown)
  if (type === 'UNSUPPORTED_SASL_MECHANISM') {
    return `Kafka at ${where} does not offer ${mechanism}: set KAFKA_SASL_MECHANISM to a mechanism that it offers.`
  }
  if (type === 'ILLEGAL_SASL_STATE') {
    return `Kafka at ${where} needs no login on this port: use another port in KAFKA_BROKERS, or remove KAFKA_SASL_MECHANISM and the other KAFKA_SASL_ settings.`
  }
  if (!causes.some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) return undefined
  const username = security?.sasl && 'username' in security.sasl ? security.sasl.username : ''
  return `Kafka at ${where} refused the login of user "${username}" by ${mechanism}: check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.`
}

/** Rights are missing: a line for each resource. */
export class RightsError extends UserError {}

const rightsRefused = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
])

/**
 * Whether Kafka refused because of a right or a login. The program cannot repair this, but an administrator may at any time.
 */
export function isRefusal(thrown: unknown): boolean {
  return (
    rightsRefused.has(errorType(thrown) ?? '') || loginRefusal(noSettings, thrown) !== undefined
  )
}

const noSettings: KafkaSettings = { brokers: [], clientId: '' }

/** The error for a missing right, if it is `right`; `undefined` for other errors. */
export function rightRefusal(
  settings: KafkaSettings,
  thrown: unknown,
  ...needed: readonly Right[]
): string | undefined {
  const type = errorType(thrown) ?? ''
  if (!rightsRefused.has(type)) return undefined
  const isForCluster = type === 'CLUSTER_AUTHORIZATION_FAILED'
  if (needed.length > 0 && !isForCluster) return rightRefusals(settings, needed).join('\n')
  const principal = principalOf(settings.security ?? noSecurity)
  return (
    `${principal} has no right to do this on the cluster (${type}): grant it what the topics and groups need, and ` +
    `before Kafka 2.8, to write, also: kafka-acls.sh ${toolArguments(settings)} --add --allow-principal "${principal}" --operation IdempotentWrite --cluster`
  )
}

/**
 * The arguments with which Kafka's own tools reach the same brokers. Their user has a file with settings for TLS and login.
 */
export function toolArguments({ brokers, security = noSecurity }: KafkaSettings): string {
  const isSecured = security.tls !== undefined || security.sasl !== undefined
  const command = isSecured ? ' --command-config client.properties' : ''
  return `--bootstrap-server ${brokers.join(',')}${command}`
}

/** The messages for missing rights, a sentence for each resource. */
export function rightRefusals(
  settings: KafkaSettings,
  missing: readonly Right[],
): readonly string[] {
  return grantLines(principalOf(settings.security ?? noSecurity), toolArguments(settings), missing)
}
