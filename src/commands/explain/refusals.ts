/** Why hooks were not called for an event, in words. */
import type { HookAnswer } from '../../core/answers/hook-answers.ts'
import { problemLine, problemsOf, type StoredHook } from '../hooks/topic.ts'
import { timeText } from '../results/result-line.ts'
import { shortened } from '../table.ts'
import type { FoundEvent } from './found.ts'

/** Whether the hook's record is newer than the event: its earlier state is not known. */
export function isChangedSince(
  hook: StoredHook | undefined,
  { writtenAt }: Pick<FoundEvent, 'writtenAt'>,
): boolean {
  return (hook?.writtenAt ?? 0) > writtenAt
}

/** Why a hook that matches the event now has no result of it. */
export function absenceWords(
  hook: StoredHook | undefined,
  found: Pick<FoundEvent, 'writtenAt'>,
): string {
  if (hook !== undefined && isChangedSince(hook, found)) {
    return `nothing was sent: the hook's record was written ${timeText(hook.writtenAt)}, after the event`
  }
  return 'it has no result: the results were deleted since, or the hook did not match at that time'
}

const mostFilterShown = 200

export function refusalWords(
  answer: HookAnswer,
  { eventKey }: Pick<FoundEvent, 'eventKey'>,
  hook: StoredHook | undefined,
): string {
  const filter = hook?.entry.kind === 'active' ? (hook.entry.hook.filter ?? '') : ''
  switch (answer.kind) {
    case 'filter-false':
      return `its filter is false: ${shortened(filter, mostFilterShown)}`
    case 'filter-fault':
      return `its filter has no value (${answer.fault}): ${shortened(filter, mostFilterShown)}`
    case 'disabled':
      return 'it is disabled'
    case 'not-subscribed':
      return `${eventKey} is not among its events`
    case 'other-tenant':
      return `it is of tenant ${answer.tenantId}`
    case 'suspended':
      return `it is suspended: ${hook === undefined ? '' : problemsOf(hook).map(problemLine).join('; ')}`
    case 'matches':
      return 'it matches'
  }
}
