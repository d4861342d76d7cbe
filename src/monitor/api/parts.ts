/** What the routes work with. */
import type { Filtering } from '../../core/hook/filter-match.ts'
import type { AuthEvent, EpochMs, Hook, RecordPlace } from '../../core/model/model.ts'
import type { MonitorView } from '../view.ts'

/** A command of the command line that the API carries out. */
export type ActionName =
  | 'hooks put'
  | 'hooks enable'
  | 'hooks disable'
  | 'hooks delete'
  | 'hooks rotate-key'
  | 'hooks test'
  | 'endpoints enable'
  | 'endpoints disable'
  | 'resend'
  | 'replay'

export interface Action {
  readonly args?: readonly string[]
  readonly options?: Readonly<Record<string, string | boolean | readonly string[]>>
  /** In the place of standard input. */
  readonly input?: Buffer
}

export interface ActionOutcome {
  readonly code: number
  /** What it printed: one JSON value a line. */
  readonly records: readonly unknown[]
  /** What it said beside: warnings, what was left out. */
  readonly notes: readonly string[]
}

/** Carries out one action after the other. @throws UserError as the command does */
export type Act = (name: ActionName, action: Action) => Promise<ActionOutcome>

/** The request of a delivery, made of its event's record. */
export interface FoundRequest {
  readonly body: string
}

/** Finds the event of a delivery in its topic; `undefined` when it is not kept any more. */
export type FindRequest = (
  delivery: { readonly deliveryId: string; readonly hookId: string },
  source: RecordPlace,
) => Promise<FoundRequest | undefined>

/** An event with what its record says beside. */
export interface FoundRecord {
  readonly event: AuthEvent
  /** When the record was written. */
  readonly writtenAt: EpochMs
}

/** Reads the event of a record of an event topic; `undefined` if there is no such record or event any more. */
export type FindEvent = (place: RecordPlace) => Promise<FoundRecord | undefined>

/** Where a run of a delivery waits now. */
export interface WaitingPlace {
  readonly run: string
  /** Attempts made so far. */
  readonly attempt: number
  /** The earliest start of its next attempt, as `explain` tells it. */
  readonly dueAt: EpochMs
  /** The record that it waits as: `<topic>/<partition>/<offset>`. */
  readonly place: string
}

/** @throws UserError when the topics of retries and requests cannot be read */
export type FindWaiting = (deliveryId: string) => Promise<readonly WaitingPlace[]>

export interface ApiParts {
  readonly view: MonitorView
  /** `undefined`: the monitor only reads. */
  readonly act: Act | undefined
  readonly findRequest: FindRequest
  readonly findEvent: FindEvent
  readonly filters: Pick<Filtering, 'read' | 'isKept'>
  readonly findWaiting: FindWaiting
  /** Headers that a hook's calls have, with secrets hidden. */
  readonly headersOf: (hook: Hook) => Readonly<Record<string, string>>
}
