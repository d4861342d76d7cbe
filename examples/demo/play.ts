/** Plays an act: each step as the command that an operator would type, and then the waiting for what comes of it. */
import { readFile } from 'node:fs/promises'
import { UserError } from '../../src/core/model/errors.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { LogLine, Output, RunningProcess } from './cli-process.ts'
import { hookObject } from './endpoints.ts'
import type { Journal } from './journal.ts'
import { callsOf, hookOf, isSent, type Act, type SentStep, type Step } from './script.ts'
import type { Story } from './story.ts'
import { logtoWebhook } from './webhook.ts'
import { within } from '../../src/edge/waiting.ts'

/** Nothing of the demo takes so long: whoever waits for more waits in vain. */
const patienceMs = 60_000

export interface Stage {
  readonly story: Story
  /** Where the receiver listens, such as `http://127.0.0.1:40123`. */
  readonly origin: string
  readonly hooktide: Hooktide
  readonly processor: RunningProcess
  readonly webhooks: WebhookEndpoint
  readonly results: Journal<DeliveryResult>
  /** Writes to the event topic as any producer may, with nothing looked at before. */
  readonly produce: (key: string, value: Buffer) => Promise<void>
  /** By event id: an event is told before what comes of it, however fast that is. */
  readonly tellings: Map<string, Promise<void>>
}

/** The endpoint of `hooktide ingest`. */
export interface WebhookEndpoint {
  readonly url: string
  /** The key of the webhook in Logto. */
  readonly signingKey: string
}

/** Tells a command and runs it. @throws UserError when it fails */
export type Hooktide = (args: readonly string[], input?: Input) => Promise<Output>

/** For standard input, and what the story calls it. */
export interface Input {
  readonly text: string
  readonly about: string
}

/** @throws UserError when something does not happen that has to */
export async function playAct({ title, about, steps }: Act, stage: Stage): Promise<void> {
  stage.story.heading(title, about)
  for (const step of steps) await playStep(step, stage)
  const awaited = steps.flatMap((step) => (isSent(step) ? deliveryIdsOf(step) : []))
  await patiently(
    'Every delivery has to end',
    stage.results.until((results) => {
      const ended = new Set(results.filter(({ final }) => final).map((result) => result.deliveryId))
      return awaited.every((id) => ended.has(id))
    }),
  )
}

function playStep(step: Step, stage: Stage): Promise<void> {
  switch (step.kind) {
    case 'send':
      return begin(step, stage, sendAndTell(step, stage))
    case 'webhook':
      return begin(step, stage, postAndTell(step, stage))
    case 'send-faulty':
      return sendFaulty(step, stage)
    case 'move-hook':
      return moveHook(step, stage)
    case 'delete-hook':
      return deleteHook(step, stage)
  }
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { readonly kind: Kind }>

/** Resolves when a first attempt was made for each hook: retries go on while the next step is played. */
async function begin(step: SentStep, stage: Stage, telling: Promise<void>): Promise<void> {
  stage.tellings.set(step.eventId, telling)
  await telling
  await patiently(
    'A first attempt has to be recorded for each hook',
    stage.results.until((results) => {
      const begun = new Set(results.map(({ deliveryId }) => deliveryId))
      return deliveryIdsOf(step).every((id) => begun.has(id))
    }),
  )
}

async function sendAndTell(
  { sample, tenantId, eventId }: StepOf<'send'>,
  { hooktide, story }: Stage,
): Promise<void> {
  const to = ['--tenant', tenantId, '--event-id', eventId]
  const sent = await hooktide(['events', 'send', '-f', sampleFile(sample), ...to, '--json'])
  for (const line of sent.lines) {
    const { event, key } = JSON.parse(line) as { readonly event: string; readonly key: string }
    story.eventIn({ event, tenantId, key })
  }
}

/** Sends a webhook as Logto does, and expects the answer 200. */
async function postAndTell(
  { sample, tenantId }: StepOf<'webhook'>,
  { webhooks, story }: Stage,
): Promise<void> {
  const text = await readFile(new URL(`./${sample}`, import.meta.url), 'utf8')
  const payload = JSON.parse(text) as { readonly event: string }
  const { body, headers } = logtoWebhook(payload, webhooks.signingKey)
  const response = await fetch(webhooks.url, { method: 'POST', body, headers })
  const said = (await response.text()).trim()
  if (response.status !== 200) {
    throw new UserError(`"hooktide ingest" answered ${response.status}: ${said}`)
  }
  story.webhookIn({ event: payload.event, tenantId, url: webhooks.url })
}

function deliveryIdsOf(step: SentStep): readonly string[] {
  return callsOf(step).map(({ deliveryId }) => deliveryId)
}

async function sendFaulty(
  { sample, key }: StepOf<'send-faulty'>,
  { story, processor, produce }: Stage,
): Promise<void> {
  story.aside(`A producer that checks nothing writes ${sampleFile(sample)}`)
  const seen = processor.log.items.length
  await produce(key, await readFile(new URL(`./${sample}`, import.meta.url)))
  await patiently(
    'The processor has to reject the event',
    processor.log.until((lines) => lines.slice(seen).some(isRejection)),
  )
}

/** Whether the processor says that it has rejected a record. */
export function isRejection({ msg }: LogLine): boolean {
  return msg === 'record.rejected'
}

async function moveHook({ hookId, path }: StepOf<'move-hook'>, stage: Stage): Promise<void> {
  const hook = { ...hookOf(hookId), path }
  const text = JSON.stringify(hookObject(hook, stage.origin))
  const about = `on standard input: the hook with its URL now ${path}`
  await changeHook(hookId, 'set', stage, () =>
    stage.hooktide(['hooks', 'put', '-f', '-'], { text, about }),
  )
}

async function deleteHook({ hookId }: StepOf<'delete-hook'>, stage: Stage): Promise<void> {
  await changeHook(hookId, 'deleted', stage, () =>
    stage.hooktide(['hooks', 'delete', hookId, '--yes']),
  )
}

/** Waits until the processor says that it has read the change: what is sent from then on meets it. */
async function changeHook(
  hookId: string,
  change: 'set' | 'deleted',
  { processor }: Stage,
  make: () => Promise<Output>,
): Promise<void> {
  const seen = processor.log.items.length
  await make()
  await patiently(
    `The processor has to read the change of ${hookId}`,
    processor.log.until((lines) =>
      lines
        .slice(seen)
        .some(
          (line) =>
            line['msg'] === 'hook.changed' &&
            line['hookId'] === hookId &&
            line['change'] === change,
        ),
    ),
  )
}

/** @throws UserError when it takes too long */
export async function patiently(need: string, happening: Promise<void>): Promise<void> {
  const outcome = await within(happening, patienceMs, 'late')
  if (outcome === 'late') {
    throw new UserError(`${need}, and that has not happened within ${patienceMs / 1_000} s.`)
  }
}

/** As seen from the checkout's root, where npm's scripts run. */
function sampleFile(sample: string): string {
  return `examples/demo/${sample}`
}
