/** All that the demo needs before its first act: surroundings, topics, receiver, hooks and the processor. */
import { randomBytes } from 'node:crypto'
import { writeAll } from '../../src/commands/kafka-session.ts'
import { readSettings, type Settings } from '../../src/settings/settings.ts'
import { newSigningKey } from '../../src/core/hook/hook.ts'
import type { HookId } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { type Receiver, startSurroundings } from '../sandbox/sandbox.ts'
import { keyOfCall, keyOfRequest } from './check.ts'
import {
  hasLine,
  runCommand,
  startCommand,
  type Environment,
  type LogLine,
  type RunningProcess,
} from './cli-process.ts'
import { hookObject, startEndpoints } from './endpoints.ts'
import type { Endings } from './endings.ts'
import { isRejection, patiently, type Hooktide, type Stage, type WebhookEndpoint } from './play.ts'
import { watchResults } from './results-watch.ts'
import { hooks, webhookTenant } from './script.ts'
import type { Story } from './story.ts'

export interface SetUpStage extends Stage {
  readonly settings: Settings
  readonly receiver: Receiver
}

interface Parts {
  readonly story: Story
  readonly endings: Endings
  readonly signal: AbortSignal
}

/** @throws UserError when something that is needed cannot be had; what was started is among `endings` */
export async function setUp(parts: Parts): Promise<SetUpStage> {
  const { story, endings, signal } = parts
  const environment = await surround(parts)
  const settings = readSettings(environment)
  const hooktide: Hooktide = (args, input) => {
    story.command(args, input?.about)
    return runCommand(args, { environment, signal, input: input?.text ?? '' })
  }
  const init = await hooktide(['init', '--partitions', '3'])
  for (const line of init.lines) story.aside(line)

  const keys = new Map<HookId, string>()
  const receiver = await startEndpoints(keys)
  endings.add(() => receiver.stop())
  await putHooks(hooktide, receiver, keys, story)

  const tellings = new Map<string, Promise<void>>()
  const watch = watchResults(settings, async (result) => {
    await tellings.get(result.eventId)
    story.result(result, requestOf(result, receiver))
  })
  endings.add(() => watch.stop())
  signal.throwIfAborted()
  story.command(['run'])
  const processor = startCommand(['run'], environment, (line) => relay(line, story))
  endings.add(() => processor.stop())
  for (const journal of [processor.log, watch.results]) {
    signal.addEventListener('abort', () => journal.close(new Error('interrupted')))
  }
  await becomeReady(processor, story)
  const webhooks = await startIngest(environment, parts)
  const produce = (key: string, value: Buffer) => {
    const [topic = ''] = settings.topics.events
    return writeAll(settings, [{ topic, key, value, headers: [] }])
  }
  const { origin } = receiver
  const { results } = watch
  const stage = { story, origin, hooktide, processor, webhooks, results, tellings, produce }
  return { ...stage, settings, receiver }
}

/** Starts `hooktide ingest`. */
async function startIngest(
  environment: Environment,
  { story, endings, signal }: Parts,
): Promise<WebhookEndpoint> {
  const signingKey = newSigningKey(randomBytes(64))
  const own = {
    HOOKTIDE_INGEST_HOST: '127.0.0.1',
    HOOKTIDE_INGEST_PORT: '0',
    HOOKTIDE_INGEST_TENANT: webhookTenant,
    HOOKTIDE_INGEST_SIGNING_KEYS: signingKey,
  }
  signal.throwIfAborted()
  story.command(['ingest'])
  for (const [variable, value] of Object.entries(own)) story.aside(`${variable}=${value}`)
  const ingest = startCommand(['ingest'], { ...environment, ...own }, (line) =>
    tellWarning('ingest', line, story),
  )
  endings.add(() => ingest.stop())
  signal.addEventListener('abort', () => ingest.log.close(new Error('interrupted')))
  await patiently('hooktide ingest has to become ready', ingest.log.until(hasLine('ready')))
  const line = ingest.log.items.find(({ msg }) => msg === 'receiving webhooks')
  const url = `http://127.0.0.1:${String(line?.['port'])}/logto`
  story.aside(`ready for Logto's webhooks at ${url}`)
  return { url, signingKey }
}

/** Starts Kafka and the registry. @returns what the commands are told of them, and the demo's other settings */
async function surround({ story, endings, signal }: Parts): Promise<Environment> {
  story.heading(
    'Kafka, a schema registry, and the settings of the commands below',
    'Retries after a second or two, and plain HTTP to this machine: for the demo only.',
  )
  const starting = startSurroundings({ progress: story.aside, signal })
  endings.add(async () => {
    const started = await starting.catch(() => undefined)
    await started?.stop()
  })
  const { brokers, registryUrl } = await unlessAborted(signal, starting)
  // Nothing of anyone else's can have these names, wherever the broker comes from.
  const name = `demo-${randomBytes(3).toString('hex')}`
  const environment = {
    KAFKA_BROKERS: brokers.join(','),
    SCHEMA_REGISTRY_URL: registryUrl,
    HOOKTIDE_TOPIC_PREFIX: name,
    HOOKTIDE_GROUP_ID: name,
    HOOKTIDE_RETRY_SCHEDULE: '1s,2s',
    HOOKTIDE_RETRY_TIERS: '1s,2s',
    HOOKTIDE_ALLOW_HTTP: 'true',
    HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
    HOOKTIDE_HTTP_HOST: '127.0.0.1',
    HOOKTIDE_HTTP_PORT: '0',
  }
  for (const [variable, value] of Object.entries(environment)) story.aside(`${variable}=${value}`)
  return environment
}

async function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const aborted = Promise.withResolvers<never>()
  const reject = () => aborted.reject(new Error('interrupted'))
  signal.addEventListener('abort', reject)
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', reject)
  }
}

/** Each hook's signing key is made by the command: its owner, and the receiver, learn it from what that prints. */
async function putHooks(
  hooktide: Hooktide,
  { origin }: Receiver,
  keys: Map<HookId, string>,
  story: Story,
): Promise<void> {
  const text = JSON.stringify(hooks.map((hook) => hookObject(hook, origin)))
  const about = `on standard input: ${hooks.length} hooks`
  const { lines } = await hooktide(['hooks', 'put', '-f', '-', '--json'], { text, about })
  for (const line of lines) {
    const { id, tenantId, url, events, signingKey } = JSON.parse(line) as {
      readonly id: HookId
      readonly tenantId: string
      readonly url: string
      readonly events: readonly string[]
      readonly signingKey: string
    }
    keys.set(id, signingKey)
    story.aside(`${id.padEnd(14)} tenant ${tenantId.padEnd(7)} ${url}`)
    story.aside(`${' '.repeat(14)} ${events.join(', ')}; signing key ${signingKey}`)
  }
}

async function becomeReady({ log }: RunningProcess, story: Story): Promise<void> {
  await patiently('The processor has to become ready', log.until(hasLine('ready')))
  const listening = log.items.find(({ msg }) => msg === 'listening')
  story.aside(`ready; its metrics are at http://127.0.0.1:${String(listening?.['port'])}/metrics`)
}

/** The newest call with the ids of a result: the receiver has it before the result is written. */
function requestOf({ deliveryId, attempt }: DeliveryResult, { requests }: Receiver) {
  const key = keyOfCall(deliveryId, attempt)
  return requests.findLast((request) => keyOfRequest(request) === key)
}

/** What of the processor's log belongs to the story: hooks that changed, records it rejects, and all that is wrong. */
function relay(line: LogLine, story: Story): void {
  const { msg, ...fields } = line
  const hookId = String(fields['hookId'])
  const [partition = '?', offset = '?'] = String(fields['configVersion']).split('-')
  const place = `partition ${partition}, offset ${offset}`
  if (msg === 'hook.changed') {
    if (fields['change'] === 'deleted') {
      story.hookDeleted(hookId, `the processor has read its tombstone: ${place}`)
    } else {
      story.hookEdited(hookId, `the processor has read it: ${place}`)
    }
  } else if (isRejection(line)) {
    const { reason, field, message } = fields
    story.rejected({ reason: String(reason), field: String(field), message: String(message) })
  } else tellWarning('run', line, story)
}

/** Shows a line of the log if it is a warning or an error. */
function tellWarning(command: string, { level, msg, ...fields }: LogLine, story: Story): void {
  if (!isWarning(level)) return
  const { time: _, instance: __, ...rest } = fields
  story.warning(`${command}: ${String(msg)} ${JSON.stringify(rest)}`)
}

function isWarning(level: unknown): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal'
}
