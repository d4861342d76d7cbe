/** Every command, in the order in which help lists them. */
import type { Command } from './command.ts'
import { completionCommands } from './completion/completion.ts'
import {
  endpointsDisableCommand,
  endpointsEnableCommand,
  endpointsListCommand,
} from './endpoints/endpoints.ts'
import { doctorCommand } from './doctor/doctor.ts'
import { eventsSendCommand, eventsValidateCommand } from './events/events.ts'
import { explainCommand } from './explain/explain.ts'
import { hooksCreateCommand } from './hooks/create.ts'
import { hooksEncryptCommand } from './hooks/encrypt.ts'
import { hooksImportCommand } from './hooks/import.ts'
import { hooksPutCommand } from './hooks/put.ts'
import { hooksRotateKeyCommand } from './hooks/rotate-key.ts'
import { hooksDisableCommand, hooksEnableCommand } from './hooks/switching.ts'
import { hooksTestCommand } from './hooks/test.ts'
import { hooksDeleteCommand, hooksGetCommand, hooksListCommand } from './hooks/hooks.ts'
import { ingestCommand } from './ingest/ingest.ts'
import { initCommand } from './init.ts'
import { deadLettersListCommand } from './records/dead-letters.ts'
import { rejectedListCommand } from './records/rejected.ts'
import { listenCommand } from './listen/listen.ts'
import { monitorCommand } from './monitor/monitor.ts'
import { replayCommand } from './replay/replay.ts'
import { resendCommand } from './replay/resend.ts'
import { resultsCommand } from './results/results.ts'
import { runCommand } from './run/run.ts'
import { statsCommand } from './stats/stats.ts'
import { statusCommand } from './status/status.ts'

export const commands: readonly Command[] = [
  initCommand,
  runCommand,
  ingestCommand,
  statusCommand,
  doctorCommand,
  hooksPutCommand,
  hooksImportCommand,
  hooksCreateCommand,
  hooksGetCommand,
  hooksListCommand,
  hooksEnableCommand,
  hooksDisableCommand,
  hooksDeleteCommand,
  hooksRotateKeyCommand,
  hooksEncryptCommand,
  hooksTestCommand,
  eventsSendCommand,
  eventsValidateCommand,
  resultsCommand,
  explainCommand,
  statsCommand,
  deadLettersListCommand,
  rejectedListCommand,
  replayCommand,
  resendCommand,
  endpointsListCommand,
  endpointsEnableCommand,
  endpointsDisableCommand,
  monitorCommand,
  listenCommand,
  ...completionCommands(() => commands),
]
