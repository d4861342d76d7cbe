/** Carries out commands for the API: the same checks, the same records, one after the other. */
import type { Settings } from '../../settings/settings.ts'
import { parseJson } from '../../core/text/json-text.ts'
import type { Act, Action, ActionName, ActionOutcome } from '../../monitor/api/parts.ts'
import type { Command } from '../command.ts'
import { textOf } from '../line.ts'
import { endpointsDisableCommand, endpointsEnableCommand } from '../endpoints/endpoints.ts'
import { hooksDeleteCommand } from '../hooks/hooks.ts'
import { hooksPutCommand } from '../hooks/put.ts'
import { hooksRotateKeyCommand } from '../hooks/rotate-key.ts'
import { hooksDisableCommand, hooksEnableCommand } from '../hooks/switching.ts'
import { hooksTestCommand } from '../hooks/test.ts'
import { replayCommand } from '../replay/replay.ts'
import { resendCommand } from '../replay/resend.ts'
import { createTurns } from './turns.ts'

const commands: Readonly<Record<ActionName, Command>> = {
  'hooks put': hooksPutCommand,
  'hooks enable': hooksEnableCommand,
  'hooks disable': hooksDisableCommand,
  'hooks delete': hooksDeleteCommand,
  'hooks rotate-key': hooksRotateKeyCommand,
  'hooks test': hooksTestCommand,
  'endpoints enable': endpointsEnableCommand,
  'endpoints disable': endpointsDisableCommand,
  resend: resendCommand,
  replay: replayCommand,
}

export function commandActions(settings: Settings, signal: AbortSignal): Act {
  const inTurn = createTurns()
  // A test waits for the endpoint's answer, and changes nothing that others might change meanwhile.
  const testsInTurn = createTurns()
  return (name, action) => {
    const turn = name === 'hooks test' ? testsInTurn : inTurn
    return turn(() => run(commands[name], action, settings, signal))
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
    // Who called has confirmed it.
    options: {
      json: true,
      ...(Object.hasOwn(command.options, 'yes') ? { yes: true } : {}),
      ...options,
    },
    print: (line) => records.push(parseJson(typeof line === 'string' ? line : textOf(line))),
    note: (line) => notes.push(line),
    columns: undefined,
    showProgress: undefined,
    ask: undefined,
    signal,
    ...(input === undefined ? {} : { input }),
  })
  return { code, records, notes }
}
