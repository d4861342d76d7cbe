/**
 * Every command, in the order in which help lists them. A command is loaded when it is needed: together they load a thousand
 * modules, which takes longer than most commands do.
 */
import type { Command } from './command.ts'
import { completionCommand, shells } from './completion/completion.ts'

export interface CommandEntry {
  readonly name: string
  readonly load: () => Promise<Command>
}

export const commandList: readonly CommandEntry[] = [
  entry('init', async () => (await import('./init.ts')).initCommand),
  entry('run', async () => (await import('./run/run.ts')).runCommand),
  entry('ingest', async () => (await import('./ingest/ingest.ts')).ingestCommand),
  entry('status', async () => (await import('./status/status.ts')).statusCommand),
  entry('doctor', async () => (await import('./doctor/doctor.ts')).doctorCommand),
  entry('hooks put', async () => (await import('./hooks/put.ts')).hooksPutCommand),
  entry('hooks import', async () => (await import('./hooks/import.ts')).hooksImportCommand),
  entry('hooks create', async () => (await import('./hooks/create.ts')).hooksCreateCommand),
  entry('hooks get', async () => (await import('./hooks/hooks.ts')).hooksGetCommand),
  entry('hooks list', async () => (await import('./hooks/hooks.ts')).hooksListCommand),
  entry('hooks enable', async () => (await import('./hooks/switching.ts')).hooksEnableCommand),
  entry('hooks disable', async () => (await import('./hooks/switching.ts')).hooksDisableCommand),
  entry('hooks delete', async () => (await import('./hooks/hooks.ts')).hooksDeleteCommand),
  entry(
    'hooks rotate-key',
    async () => (await import('./hooks/rotate-key.ts')).hooksRotateKeyCommand,
  ),
  entry('hooks encrypt', async () => (await import('./hooks/encrypt.ts')).hooksEncryptCommand),
  entry('hooks test', async () => (await import('./hooks/test.ts')).hooksTestCommand),
  entry('events send', async () => (await import('./events/events.ts')).eventsSendCommand),
  entry('events validate', async () => (await import('./events/events.ts')).eventsValidateCommand),
  entry('results', async () => (await import('./results/results.ts')).resultsCommand),
  entry('explain', async () => (await import('./explain/explain.ts')).explainCommand),
  entry('stats', async () => (await import('./stats/stats.ts')).statsCommand),
  entry(
    'dead-letters list',
    async () => (await import('./records/dead-letters.ts')).deadLettersListCommand,
  ),
  entry('rejected list', async () => (await import('./records/rejected.ts')).rejectedListCommand),
  entry('replay', async () => (await import('./replay/replay.ts')).replayCommand),
  entry('resend', async () => (await import('./replay/resend.ts')).resendCommand),
  entry(
    'endpoints list',
    async () => (await import('./endpoints/endpoints.ts')).endpointsListCommand,
  ),
  entry(
    'endpoints enable',
    async () => (await import('./endpoints/endpoints.ts')).endpointsEnableCommand,
  ),
  entry(
    'endpoints disable',
    async () => (await import('./endpoints/endpoints.ts')).endpointsDisableCommand,
  ),
  entry('monitor', async () => (await import('./monitor/monitor.ts')).monitorCommand),
  entry('listen', async () => (await import('./listen/listen.ts')).listenCommand),
  ...shells.map((shell) =>
    entry(`completion ${shell}`, () =>
      Promise.resolve(completionCommand(shell, () => loaded(commandList))),
    ),
  ),
]

export function loaded(entries: readonly CommandEntry[]): Promise<readonly Command[]> {
  return Promise.all(entries.map(({ load }) => load()))
}

/** @param name the command's own */
function entry(name: string, load: () => Promise<Command>): CommandEntry {
  return { name, load }
}
