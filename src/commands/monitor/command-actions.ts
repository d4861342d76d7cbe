/** Carries out commands for the API: the same checks, the same records, one after the other. */
import type { Settings } from '../../settings/settings.ts'
import { parseJson } from '../../core/text/json-text.ts'
import { ApiError } from '../../monitor/api/route.ts'
import type { Act, Action, ActionName, ActionOutcome } from '../../monitor/api/parts.ts'
import type { Command } from '../command.ts'
import { textOf } from '../line.ts'
import { endpointsDisableCommand, endpointsEnableCommand } from '../endpoints/endpoints.ts'
import { hooksDeleteCommand } from '../hooks/hooks.ts'
import { hooksPutCommand } from '../hooks/put.ts'
import { hooksRotateKeyCommand } from '../hooks/rotate-key.ts'
import { hooksTestCommand } from '../hooks/test.ts'
import { replayCommand } from '../replay/replay.ts'
import { resendCommand } from '../replay/resend.ts'

const commands: Readonly<Record<ActionName, Command>> = {
  'hooks put': hooksPutCommand,
  'hooks delete': hooksDeleteCommand,
  'hooks rotate-key': hooksRotateKeyCommand,
  'hooks test': hooksTestCommand,
  'endpoints enable': endpointsEnableCommand,
  'endpoints disable': endpointsDisableCommand,
  resend: resendCommand,
  replay: replayCommand,
}

/** More than these wait for nobody's answer. */
const maxWaiting = 16

export function commandActions(settings: Settings, signal: AbortSignal): Act {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async (name, action) => {
    if (waiting >= maxWaiting)
      throw new ApiError(503, 'monitor.busy', 'Too many actions wait: try again.')
    waiting += 1
    const turn = last
      .catch(() => undefined)
      .then(() => run(commands[name], action, settings, signal))
    last = turn
    try {
      return await turn
    } finally {
      waiting -= 1
    }
  }
}

async function run(
  command: Command,
  { args = [], options = {}, input }: Action,
  settings: Settings,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  const records: unknown[] = []
  const notes: string[] = []
  const code = await command.run({
    settings,
    settingWarnings: [],
    args,
    options: { json: true, ...options },
    print: (line) => records.push(parseJson(typeof line === 'string' ? line : textOf(line))),
    note: (line) => notes.push(line),
    showProgress: undefined,
    signal,
    ...(input === undefined ? {} : { input }),
  })
  return { code, records, notes }
}
