/** `hooktide resend`: requests one delivery again, whatever its outcome was. */
import { decodeDeadLetter, placeOf } from '../../core/run/delivery-headers.ts'
import { UserError } from '../../core/model/errors.ts'
import type {
  AuthEvent,
  DeliveryId,
  EpochMs,
  InboundRecord,
  RecordPlace,
  Run,
} from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { leftOutReasons, planRun, requestRecord } from './requests.ts'
import { keyedRecords, type KeySearch } from './keyed-records.ts'
import { createResultReader } from '../../edge/registry/result-codec.ts'
import { createSchemaReader } from '../../edge/registry/schema-source.ts'
import { deliveryOperand } from '../id-forms.ts'
import type { Command, CommandContext } from '../command.ts'
import { refuseMissing, withAdmin, writeAll } from '../kafka-session.ts'
import {
  booleanOption,
  momentForms,
  parseMoment,
  registrySettingsOf,
  textOption,
} from '../option-values.ts'
import { readParts } from './plan.ts'
import { isResult } from '../results/result.ts'
import { eventOfSource } from '../events/source-event.ts'

export const resendCommand: Command = {
  name: 'resend',
  summary: 'Request one delivery again, whatever its outcome was.',
  usage: '<delivery id> [--from <start>]',
  examples: ['resend dlv_4pX0cV3mJrKq8sT1uWyZ2a', 'resend dlv_4pX0cV3mJrKq8sT1uWyZ2a --from 2h'],
  options: {
    from: {
      type: 'string',
      description:
        'Search records since a time such as 2026-01-31T08:00:00Z, or since how long ago, such as 2h. [earliest]',
    },
    json: { type: 'boolean', description: 'One JSON object.' },
  },
  operand: deliveryOperand,
  uses: ['kafka', 'registry', 'topics'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { settings, args, print } = context
  const [id = ''] = args
  const from = fromOf(context)
  const found = await withAdmin(settings, async (admin) => {
    await refuseMissing(admin, settings.topics.requests)
    return await findRun({ context, admin, id, from })
  })
  if (found.hookId === '') {
    const { source } = found.event
    const range = `${placeOf(source)}-${source.offset}`
    throw new UserError(
      `${id} is no delivery: its event went to no hook. "hooktide replay --offsets ${range}" sends it to the hooks that it matches now.`,
    )
  }
  const anySelection = {
    hooks: undefined,
    tenants: undefined,
    eventKeys: undefined,
    reasons: undefined,
  }
  const planned = planRun(found, await readParts(context, anySelection))
  const [why] = planned.leftOut
  if (why !== undefined) {
    throw new UserError(
      `${id} for hook ${found.hookId} cannot be sent again: ${leftOutReasons[why]}.`,
    )
  }
  await writeAll(
    settings,
    planned.requests.map((request) => requestRecord(settings.topics.requests, request, 'resend')),
  )
  const { hookId, event } = found
  const { tenantId, eventId } = event
  if (booleanOption(context, 'json')) {
    print(JSON.stringify({ deliveryId: id, hookId, tenantId, eventId, event: event.event }))
  } else {
    print(`${id}, ${event.event} for hook ${hookId}, is requested on ${settings.topics.requests}`)
  }
  return 0
}

type Found = Pick<Run, 'deliveryId' | 'hookId' | 'event'>

function fromOf(context: CommandContext): EpochMs | undefined {
  const text = textOption(context, 'from')
  if (text === undefined || text === 'earliest') return undefined
  const moment = parseMoment(text, Date.now())
  if (moment !== undefined) return moment
  throw new UserError(`--from must be earliest, ${momentForms}, not "${text}".`, 2)
}

/** Finds the event of the delivery: in a dead letter, else at the source that a result names. */
async function findRun(search: KeySearch & { readonly context: CommandContext }): Promise<Found> {
  const { context, id, from } = search
  const finder = new EventFinder(context, id)
  const { deadLetters, results } = context.settings.topics
  const letter = await newest(keyedRecords(search, deadLetters), (record) =>
    finder.inLetter(record),
  )
  const found =
    letter ?? (await newest(keyedRecords(search, results), (record) => finder.inResult(record)))
  if (found !== undefined) return found
  const nothing =
    finder.count === 0
      ? `neither ${deadLetters} nor ${results} has a record of it${sinceText(from)}`
      : 'its source no longer has the event'
  throw new UserError(`${id} cannot be sent again: ${nothing}.`)
}

function sinceText(from: EpochMs | undefined): string {
  return from === undefined ? '' : ` since ${new Date(from).toISOString()}`
}

/** What the newest readable record leads to. All records are held in memory: they are few, since one delivery has few. */
async function newest<Result>(
  batches: AsyncGenerator<InboundRecord>,
  read: (record: InboundRecord) => Promise<Result | undefined>,
): Promise<Result | undefined> {
  const records: InboundRecord[] = []
  for await (const record of batches) records.push(record)
  for (const record of records.toReversed()) {
    const result = await read(record)
    if (result !== undefined) return result
  }
  return undefined
}

class EventFinder {
  readonly #context: CommandContext
  readonly #deliveryId: DeliveryId
  readonly #read: (value: Buffer) => Promise<unknown>
  readonly #schemas
  /** How many records of the delivery were found. */
  count = 0

  constructor(context: CommandContext, deliveryId: DeliveryId) {
    this.#context = context
    this.#deliveryId = deliveryId
    const registry = registrySettingsOf(context.settings)
    this.#read = createResultReader(registry)
    this.#schemas = createSchemaReader(registry)
  }

  async inLetter(record: InboundRecord): Promise<Found | undefined> {
    const letter = decodeDeadLetter(record)
    if (letter.kind === 'rejected' || letter.run.deliveryId !== this.#deliveryId) return undefined
    this.count += 1
    if (letter.kind === 'letter') return letter.run
    return this.#withEvent(letter.run.hookId, await this.#eventAt(letter.run.hookId, letter.source))
  }

  async inResult({ value }: InboundRecord): Promise<Found | undefined> {
    const result = value === null ? undefined : await this.#readResult(value)
    if (!isResult(result) || result.deliveryId !== this.#deliveryId) return undefined
    this.count += 1
    const { hookId } = result
    const source = sourceIn(result)
    return source && this.#withEvent(hookId, await this.#eventAt(hookId, source))
  }

  async #readResult(value: Buffer): Promise<unknown> {
    try {
      return await this.#read(value)
    } catch (error) {
      if (error instanceof UserError) throw error
      return undefined
    }
  }

  #eventAt(hookId: string, source: RecordPlace): Promise<AuthEvent | undefined> {
    const names = { deliveryId: this.#deliveryId, hookId }
    return eventOfSource(this.#context, this.#schemas, source, names)
  }

  #withEvent(hookId: string, event: AuthEvent | undefined): Found | undefined {
    return event === undefined ? undefined : { deliveryId: this.#deliveryId, hookId, event }
  }
}

/** `undefined` if the result names no valid source: anyone may write to the topic. */
function sourceIn(result: DeliveryResult): RecordPlace | undefined {
  const { sourceTopic: topic, sourcePartition: partition, sourceOffset: offset } = result
  const isWhole = Number.isSafeInteger(partition) && Number.isSafeInteger(offset)
  return typeof topic === 'string' && isWhole ? { topic, partition, offset } : undefined
}
