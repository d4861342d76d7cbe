/** What `hooks list` shows of a hook. */
import type { FieldProblem } from '../../core/model/model.ts'
import { withoutSecrets } from '../../core/run/result.ts'
import { problemLine, problemsOf, type StoredHook } from './topic.ts'
import { shortened } from '../table.ts'

/** Characters in a cell. The name of a suspended hook may have any length. */
const maxName = 40
/** Enough for each message about encryption up to the id of its key. */
const maxProblem = 96

export function summaryOf(stored: StoredHook) {
  const { id, entry, members } = stored
  const { hook } = entry
  return {
    id,
    tenantId: hook.tenantId ?? null,
    name: typeof members['name'] === 'string' ? members['name'] : '',
    enabled: hook.enabled,
    events: hook.events.length > 0 || hook.event === undefined ? hook.events : [hook.event],
    url: entry.kind === 'active' ? withoutSecrets(entry.hook.url) : null,
    state: entry.kind,
    problems: problemsOf(stored),
    configVersion: hook.configVersion,
    isCaptured: stored.isCaptured,
  }
}

/** Cells of a table: ID, TENANT, NAME, ENABLED, EVENTS, STATE, URL. In the place of a suspended one's URL is why it is. */
export function hookRow(hook: ReturnType<typeof summaryOf>): readonly string[] {
  return [
    hook.id,
    hook.tenantId ?? '?',
    hook.name === '' ? '-' : shortened(hook.name, maxName),
    hook.enabled ? 'yes' : 'no',
    String(hook.events.length),
    hook.state,
    hook.url ?? `(${problemWords(hook.problems)})`,
  ]
}

/** The first problem: a record may have 20, and each hook of a table is one line. */
function problemWords([first, ...others]: readonly FieldProblem[]): string {
  const whole = first === undefined ? '' : problemLine(first)
  const shown = shortened(whole, maxProblem)
  return others.length === 0 && shown === whole ? whole : `${shown}; hooks get says more`
}
