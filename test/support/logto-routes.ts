/** Requests to the routes that Logto's Management API has too, and what they are answered, on a real socket. */
import { expect, onTestFinished } from 'vitest'
import { resultWith, retryingWith } from './indexed-results.ts'
import {
  hookValue,
  memoryOutcomes,
  startMonitorRig,
  type MonitorRig,
  type Outcomes,
} from './monitor-rig.ts'

export const anything: unknown = expect.anything()

/** A monitor with three hooks, of which `one` was called three times. */
export async function logtoRig(outcomes: Outcomes = {}): Promise<MonitorRig> {
  const rig: MonitorRig = await startMonitorRig({
    outcomes: {
      ...memoryOutcomes(() => rig),
      'hooks rotate-key': async () => {
        await rig.putHook('one', hookValue('one', { signingKey: 'another' }))
        return { code: 0, records: [{ id: 'one', signingKey: 'rotated-key' }], notes: [] }
      },
      ...outcomes,
    },
  })
  onTestFinished(() => rig[Symbol.asyncDispose]())
  await rig.putHook('one', hookValue('one', { createdAt: 2 }))
  await rig.putHook('two', hookValue('two', { createdAt: 3 }))
  await rig.putHook('three', hookValue('three', { createdAt: 1 }))
  rig.index.addResults(
    [
      resultWith({ hookId: 'one', deliveryId: 'dlv_1', attemptedAt: 1_000, responseBody: 'ok' }),
      retryingWith({ hookId: 'one', deliveryId: 'dlv_2', attemptedAt: 2_000 }),
      resultWith({
        ...{ hookId: 'one', deliveryId: 'dlv_3', attemptedAt: 3_000 },
        ...{ eventKey: 'User.Created', responseBody: '{"a":1}' },
      }),
    ],
    [],
    10_000,
  )
  return rig
}

export interface RouteCase {
  readonly does: string
  readonly ask: readonly [method: string, path: string, body?: unknown]
  readonly status: number
  /** What the body has. */
  readonly has?: object
  readonly headers?: Readonly<Record<string, string | null>>
  readonly outcomes?: Outcomes
}

/** Asks a monitor of its own. @returns what came, of the headers those that the case names */
export async function answerTo({ outcomes, ask, headers = {} }: RouteCase) {
  const rig = await logtoRig(outcomes)
  const answer = await rig.send(...ask)
  const text = await answer.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  const named = Object.keys(headers).map((name) => [name, answer.headers.get(name)])
  return { status: answer.status, body, headers: Object.fromEntries(named) as unknown }
}

/** What must come. */
export function expectedOf({ status, has, headers = {} }: RouteCase) {
  return { status, body: has, headers }
}
