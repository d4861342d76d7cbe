/** One hook in the output of `hooks list`. */
import type { FieldProblem } from '../../core/model/model.ts'
import type { EndpointState } from '../../core/model/record-values.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import { problemLine, problemsOf, type StoredHook } from './topic.ts'
import { shortened, type ListColumn } from '../table.ts'

/** In characters. The name of a suspended hook may have any length. */
const maxName = 40
/** In characters. Enough for a message about encryption with the id of the key. */
const maxProblem = 96

/** @param endpoint the state of its endpoint; `undefined` where it is not known */
export function summaryOf(stored: StoredHook, endpoint: EndpointState | undefined) {
  const { id, entry, members } = stored
  const { hook } = entry
  return {
    id,
    tenantId: hook.tenantId ?? null,
    name: typeof members['name'] === 'string' ? members['name'] : '',
    enabled: hook.enabled,
    events: hook.events.length > 0 || hook.event === undefined ? hook.events : [hook.event],
    url: entry.kind === 'active' ? urlWithoutSecrets(entry.hook.url) : null,
    state: entry.kind,
    endpoint: endpoint ?? null,
    problems: problemsOf(stored),
    configVersion: hook.configVersion,
    isCaptured: stored.isCaptured,
  }
}

export const hookColumns: readonly ListColumn[] = [
  { heading: 'ID', rank: 0, min: 12 },
  { heading: 'TENANT', rank: 1 },
  { heading: 'NAME', rank: 3, min: 12 },
  { heading: 'EVENTS', rank: 2 },
  { heading: 'STATE', rank: 0, min: 9 },
  { heading: 'ENDPOINT', rank: 0 },
  { heading: 'URL', rank: 0, min: 20, max: 300 },
]

/** The cells of {@link hookColumns}. For a suspended hook, its first problem replaces the URL. */
export function hookRow(hook: ReturnType<typeof summaryOf>): readonly string[] {
  return [
    hook.id,
    hook.tenantId ?? '?',
    hook.name === '' ? '-' : shortened(hook.name, maxName),
    String(hook.events.length),
    ...(hook.state === 'active' && !hook.enabled
      ? ['disabled', '-']
      : [hook.state, hook.endpoint ?? '-']),
    hook.url ?? `(${problemText(hook.problems)})`,
  ]
}

/** The first problem, shortened: a hook has one line in the table, and may have 20 problems. */
function problemText([first, ...others]: readonly FieldProblem[]): string {
  const whole = first === undefined ? '' : problemLine(first)
  const shown = shortened(whole, maxProblem)
  return others.length === 0 && shown === whole ? whole : `${shown}; hooks get shows more`
}
