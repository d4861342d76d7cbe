/** `hooktide hooks test`: sends Logto's test payload for each event key of a hook, through the running processors. */
import { randomUUID } from 'node:crypto'
import { formatDuration, parseDuration } from '../../core/model/durations.ts'
import { isDisabledFor } from '../../core/health/record.ts'
import { decodeEvent } from '../../core/event/event.ts'
import { UserError } from '../../core/model/errors.ts'
import { isEventKey, knownEventKeys } from '../../core/event/event-keys.ts'
import { deliveryIdOf } from '../../core/model/identity.ts'
import type { AuthEvent, Hook, InboundRecord } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { requestRecord, type Requested } from '../replay/requests.ts'
import { testPayload } from './test-payload.ts'
import { readTopic } from '../../edge/kafka/reader.ts'
import { createResultReader } from '../../edge/registry/result-codec.ts'
import type { Settings } from '../../settings/settings.ts'
import { hookOperand } from '../id-forms.ts'
import type { Command, CommandContext, InterruptedCode } from '../command.ts'
import { encryptionKeysOf } from './encryption.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import { problemLine, problemsOf, readHooks } from './topic.ts'
import { kafkaSettingsOf, quiet, refuseMissing, withAdmin, writeAll } from '../kafka-session.ts'
import { booleanOption, listOption, registrySettingsOf, textOption } from '../option-values.ts'
import { isResult } from '../results/result.ts'
import { nextCommand } from '../next-command.ts'

const defaultWait = '60s'
const maxWaitMs = 3_600_000
/** In characters. */
const maxShownBody = 200

export const hooksTestCommand: Command = {
  name: 'hooks test',
  summary: "Send Logto's test payload to a hook, and show the answers.",
  usage: '<id> [--event <keys>] [--wait <time>] [--force]',
  examples: ['hooks test my-hook', 'hooks test my-hook --event PostSignIn --force'],
  options: {
    event: {
      ...{ type: 'string', isList: true, values: knownEventKeys },
      description: 'Only these event keys, separated by commas.',
    },
    wait: { type: 'string', description: `How long to wait for the answers. [${defaultWait}]` },
    force: {
      type: 'boolean',
      description:
        'Call an endpoint that is open, paused or disabled too. Its other deliveries go on waiting.',
    },
    json: { type: 'boolean', description: 'One JSON object per result.' },
  },
  operand: hookOperand,
  uses: ['kafka', 'registry', 'topics', 'encryption'],
  run,
}

async function run(context: CommandContext): Promise<0 | 1 | InterruptedCode> {
  const { settings, args, print, note, signal } = context
  const [id = ''] = args
  const waitMs = waitOf(context)
  const asked = listOption(context, 'event', isEventKey, 'an event key such as PostSignIn')
  const hook = await testableHook(context, id)
  await withAdmin(settings, (admin) => refuseMissing(admin, settings.topics.requests))
  const tests = eventKeysFor(hook, asked).map((key) => testOf(hook, key, Date.now()))
  const width = Math.max(...tests.map(({ event }) => event.event.length))
  const open = new Map(tests.map((test) => [test.deliveryId, test.event.event]))
  const failed: DeliveryResult[] = []
  const ended = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
  for await (const result of answersTo(context, tests, ended)) {
    if (!result.final || !open.delete(result.deliveryId)) continue
    if (result.outcome !== 'delivered') failed.push(result)
    print(booleanOption(context, 'json') ? JSON.stringify(result) : answerLine(result, width))
    if (open.size === 0) break
  }
  if (signal.aborted) return signal.reason === 'SIGTERM' ? 143 : 130
  const outcome = { id, failed, open: [...open.values()], waitMs, settings }
  for (const line of failureNotes(outcome)) note(line)
  return failed.length + open.size === 0 ? 0 : 1
}

interface Outcome {
  readonly id: string
  readonly failed: readonly DeliveryResult[]
  /** Event keys of the tests that were not answered. */
  readonly open: readonly string[]
  readonly waitMs: number
  readonly settings: Settings
}

function failureNotes(outcome: Outcome): readonly string[] {
  const hasFailedBy = (cause: string) => outcome.failed.some(({ reason }) => reason === cause)
  return [
    ...(hasFailedBy('endpoint-down') ? [endpointDownNote(outcome.id)] : []),
    ...(hasFailedBy('overflow') ? [overflowNote(outcome.id)] : []),
    ...(outcome.open.length > 0 ? [unansweredNote(outcome)] : []),
  ]
}

function endpointDownNote(id: string): string {
  return `endpoint-down: no call was made. The endpoint is open or paused: "hooktide endpoints list" shows it, "${nextCommand('endpoints enable', {}, id)}" ends it, "${nextCommand('hooks test', { force: true }, id)}" tests it as it is.`
}

function overflowNote(id: string): string {
  return `overflow: no call was made. The endpoint of ${id} is slow, and the maximum number of deliveries waits for it. Test it again when fewer wait.`
}

function unansweredNote({ open, waitMs, settings }: Outcome): string {
  const { groupId, topics } = settings
  return `No answer to ${open.join(', ')} within ${formatDuration(waitMs)}: check that "hooktide run" is running, and ready, for group ${groupId}. The requests stay in ${topics.requests} and are sent when it is.`
}

/** Follows the results topic, requests the tests once its end is known, and yields the results of the tests. */
async function* answersTo(
  context: CommandContext,
  tests: readonly Requested[],
  signal: AbortSignal,
): AsyncGenerator<DeliveryResult> {
  const { settings } = context
  const isForced = booleanOption(context, 'force')
  const read = createResultReader(registrySettingsOf(settings))
  let writing: Promise<void> | undefined
  const reading = {
    settings: kafkaSettingsOf(settings),
    topic: settings.topics.results,
    from: 'latest',
    isFollowing: true,
    signal,
    log: quiet,
    onStart() {
      const records = tests.map((test) =>
        requestRecord(settings.topics.requests, test, 'test', isForced),
      )
      writing = writeAll(settings, records)
      // Awaited after the first fetch. Until then a rejection has no handler.
      writing.catch(() => undefined)
    },
  } as const
  const keys = new Set(tests.map(({ deliveryId }) => deliveryId))
  for await (const records of readTopic(reading)) {
    for (const record of records) {
      if (!keys.has(record.key?.toString() ?? '')) continue
      const result = await resultIn(record, read)
      if (result !== undefined) yield result
    }
    await writing
  }
  await writing
}

async function resultIn(
  { value }: InboundRecord,
  read: (value: Buffer) => Promise<unknown>,
): Promise<DeliveryResult | undefined> {
  if (value === null) return undefined
  try {
    const result = await read(value)
    return isResult(result) ? result : undefined
  } catch (error) {
    if (error instanceof UserError) throw error
    // Anyone may write to the topic: a record that cannot be read is not an answer.
    return undefined
  }
}

/** @throws UserError if no call would be made */
async function testableHook(context: CommandContext, id: string): Promise<Hook> {
  const keys = encryptionKeysOf(context.settings)
  const stored = (await readHooks(context, keys)).get(id)
  if (stored === undefined) throw new UserError(`There is no hook ${id}.`)
  const { entry } = stored
  if (entry.kind === 'suspended') {
    const problems = problemsOf(stored).map(problemLine).join('; ')
    throw new UserError(`Hook ${id} is suspended: fix its record first (${problems}).`)
  }
  if (!entry.hook.enabled) {
    throw new UserError(
      `Hook ${id} is disabled by its owner: nothing is sent to it before "${nextCommand('hooks enable', {}, id)}".`,
    )
  }
  if (booleanOption(context, 'force')) return entry.hook
  if (isDisabledFor(entry.hook, (await readEndpoints(context)).get(id))) {
    throw new UserError(
      `The endpoint of hook ${id} is disabled: nothing is sent to it before "${nextCommand('endpoints enable', {}, id)}". "${nextCommand('hooks test', { force: true }, id)}" tests it as it is.`,
    )
  }
  return entry.hook
}

/** @throws UserError if there are none */
function eventKeysFor(hook: Hook, asked: readonly string[] | undefined): readonly string[] {
  const own = hook.events.length > 0 ? hook.events : hook.event === undefined ? [] : [hook.event]
  const keys = asked ?? [...new Set(own)]
  if (keys.length > 0) return keys
  throw new UserError(`Hook ${hook.id} has no event keys: name some with --event.`)
}

interface Test extends Requested {
  readonly event: AuthEvent
}

function testOf(hook: Hook, key: string, now: number): Test {
  const eventId = `test-${randomUUID()}`
  const headers = { 'event-id': eventId, 'tenant-id': hook.tenantId }
  const decoded = decodeEvent({
    topic: 'test',
    partition: 0,
    offset: 0,
    key: null,
    value: testPayload(key, now, new Date(now).toISOString()),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
    timestamp: now,
  })
  if (decoded.kind === 'rejected') throw new Error(decoded.rejection.message)
  const deliveryId = deliveryIdOf(hook.tenantId, '', eventId, hook.id)
  return { deliveryId, hookId: hook.id, event: decoded.event }
}

function answerLine(result: DeliveryResult, width: number): string {
  const { eventKey, outcome, statusCode, errorClass, errorMessage, reason } = result
  const { totalMs, responseBody } = result
  const isDelivered = outcome === 'delivered'
  const parts = [
    eventKey.padEnd(width),
    isDelivered ? outcome : 'failed   ',
    String(statusCode ?? errorClass ?? reason ?? outcome),
    totalMs === null ? 'not called' : `${Math.round(totalMs)} ms`,
    ...(errorMessage === null ? [] : [errorMessage]),
    ...(isDelivered ? [] : answerOf(statusCode, responseBody)),
  ]
  return parts.join('  ')
}

/** @param body `null` if the settings or the hook say that bodies are not kept */
function answerOf(statusCode: number | null, body: string | null): readonly string[] {
  if (statusCode === null || body === '') return []
  return [body === null ? 'the body is not kept' : JSON.stringify(body.slice(0, maxShownBody))]
}

function waitOf(context: CommandContext): number {
  const text = textOption(context, 'wait') ?? defaultWait
  const waitMs = parseDuration(text)
  if (waitMs !== undefined && waitMs > 0 && waitMs <= maxWaitMs) return waitMs
  throw new UserError(
    `--wait must be a duration up to ${formatDuration(maxWaitMs)} such as 60s, not "${text}".`,
    2,
  )
}
