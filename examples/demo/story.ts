/** What the demo prints. One line for each thing that happens, in at most 100 columns where names are not longer. */
import type { Line, Style } from '../../src/commands/line.ts'
import { alignedRows } from '../../src/commands/table.ts'
import { printable } from '../../src/core/text/printable-text.ts'
import { outcomes, type Outcome } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { ReceivedRequest } from '../sandbox/sandbox.ts'
import { signatureFaults } from './check.ts'
import type { ExpectedCall } from './script.ts'

export interface Story {
  title(text: string, about: string): void
  heading(text: string, about?: string): void
  /** A command that is run now, and what it reads from standard input, in words. */
  command(args: readonly string[], input?: string): void
  plain(text: string): void
  /** Something beside the events: progress, what a command said. */
  aside(text: string): void
  warning(text: string): void
  eventIn(event: { readonly event: string; readonly tenantId: string; readonly key: string }): void
  /** A webhook was answered with 200. */
  webhookIn(webhook: {
    readonly event: string
    readonly tenantId: string
    readonly url: string
  }): void
  rejected(rejection: Rejected): void
  hookEdited(hookId: string, what: string): void
  hookDeleted(hookId: string, what: string): void
  /** A record of the results topic, and the call that it is about, if the receiver got one. */
  result(result: DeliveryResult, request: ReceivedRequest | undefined): void
  table(rows: readonly HookAccount[]): void
  agreement(text: string): void
  difference(text: string): void
}

/** As the processor logs it. */
export interface Rejected {
  readonly reason: string
  /** Empty when the value as a whole is wrong. */
  readonly field: string
  readonly message: string
}

/** What is known about one hook at the end. */
export interface HookAccount {
  readonly hookId: string
  readonly results: readonly DeliveryResult[]
  /** Calls that the receiver got. */
  readonly calls: number
  readonly expected: readonly ExpectedCall[]
}

export function createStory(print: (line: Line) => void): Story {
  const startedAt = performance.now()
  const happened = (style: Style, cells: readonly string[], ending = '') => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    const text = `${`${seconds}s`.padStart(6)}  ${columns(cells)}${ending}`.trimEnd()
    print([{ text, style }])
  }
  return {
    title(text, about) {
      print([{ text, style: 'bold' }])
      about.split('\n').forEach(print)
    },
    heading(text, about) {
      print('')
      print([{ text: `== ${text}`, style: 'bold' }])
      if (about !== undefined) print(`   ${about}`)
    },
    command(args, input) {
      const given = input === undefined ? '' : `   # ${input}`
      print([`   $ hooktide ${args.join(' ')}`, { text: given, style: 'dim' }])
    },
    plain: (text) => print(`   ${text}`),
    aside: (text) => print([{ text: `     ${text}`, style: 'dim' }]),
    warning: (text) => print([{ text: `     ! ${text}`, style: 'yellow' }]),
    eventIn: ({ event, tenantId, key }) =>
      happened('cyan', ['→ event in', `tenant ${tenantId}`], `${event.padEnd(18)} key ${key}`),
    webhookIn: ({ event, tenantId, url }) =>
      happened('cyan', ['→ webhook', `tenant ${tenantId}`], `${event.padEnd(18)} POST ${url}: 200`),
    rejected: ({ reason, field, message }) =>
      happened('red', ['✗ rejected', reason, field], message),
    hookEdited: (hookId, what) => happened('blue', ['✎ edited', hookId], what),
    hookDeleted: (hookId, what) => happened('red', ['✗ deleted', hookId], what),
    result: (result, request) => happened(styleOf(result), ...resultCells(result, request)),
    table: (accounts) => {
      for (const line of tableLines(accounts)) print(`   ${line}`)
    },
    agreement: (text) => print([{ text: `   ✓ ${text}`, style: 'green' }]),
    difference: (text) => print([{ text: `   ✗ ${text}`, style: 'red' }]),
  }
}

/** Widths of the columns of things that happen, gaps included; what follows them may be of any length. */
const widths = [12, 15, 16, 11, 5, 9] as const

function columns(cells: readonly string[]): string {
  return cells.map((cell, index) => `${printable(cell)} `.padEnd(widths[index] ?? 0)).join('')
}

function styleOf({ outcome }: DeliveryResult): Style {
  if (outcome === 'delivered') return 'green'
  return outcome === 'retrying' ? 'yellow' : 'red'
}

function resultCells(
  result: DeliveryResult,
  request: ReceivedRequest | undefined,
): readonly [cells: readonly string[], ending: string] {
  const { outcome, hookId, attempt, statusCode, errorClass, totalMs } = result
  const symbol = outcome === 'delivered' ? '✓' : outcome === 'retrying' ? '↻' : '✗'
  const cells = [
    `${symbol} ${outcome}`,
    hookId,
    request?.path ?? 'no call',
    attempt === null ? '' : `attempt ${attempt}`,
    String(statusCode ?? errorClass ?? '-'),
    totalMs === null ? '' : `${Math.round(totalMs)} ms`,
  ]
  return [cells, endingOf(result, request)]
}

function endingOf(
  { nextDueAt, attemptedAt, reason }: DeliveryResult,
  request: ReceivedRequest | undefined,
): string {
  const faults = request === undefined ? [] : signatureFaults(request)
  if (faults.length > 0) return faults.join(', ')
  if (nextDueAt !== null) return `again in ${((nextDueAt - attemptedAt) / 1_000).toFixed(1)} s`
  if (reason !== null) return reason
  return request === undefined ? '' : 'both signatures verified'
}

/** Outcomes that are shown even when there are none of them. */
const usual: ReadonlySet<Outcome> = new Set(['delivered', 'retrying', 'dead'])

function tableLines(accounts: readonly HookAccount[]): readonly string[] {
  const found = new Set(accounts.flatMap(({ results }) => results.map(({ outcome }) => outcome)))
  const shown = outcomes.filter((outcome) => usual.has(outcome) || found.has(outcome))
  const header = ['HOOK', ...shown.map((outcome) => outcome.toUpperCase()), 'RECEIVED', 'EXPECTED']
  const rows = accounts.map(({ hookId, results, calls, expected }) => [
    hookId,
    ...shown.map((outcome) => countOf(results, outcome, outcome.length)),
    String(calls).padStart('RECEIVED'.length),
    outcomes
      .filter((outcome) => expected.some((call) => call.outcome === outcome))
      .map((outcome) => `${countOf(expected, outcome)} ${outcome}`)
      .join(', '),
  ])
  return alignedRows([header, ...rows])
}

function countOf(
  items: readonly { readonly outcome: string }[],
  outcome: Outcome,
  width = 0,
): string {
  return String(items.filter((item) => item.outcome === outcome).length).padStart(width)
}
