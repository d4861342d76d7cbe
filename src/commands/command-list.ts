/** Every command, in the order in which help lists them. */
import type { Command } from './command.ts'
import {
  endpointsDisableCommand,
  endpointsEnableCommand,
  endpointsListCommand,
} from './endpoints/endpoints.ts'
import { eventsSendCommand, eventsValidateCommand } from './events/events.ts'
import { explainCommand } from './explain/explain.ts'
import { hooksEncryptCommand } from './hooks/encrypt.ts'
import { hooksImportCommand } from './hooks/import.ts'
import { hooksPutCommand } from './hooks/put.ts'
import { hooksRotateKeyCommand } from './hooks/rotate-key.ts'
import { hooksTestCommand } from './hooks/test.ts'
import { hooksDeleteCommand, hooksGetCommand, hooksListCommand } from './hooks/hooks.ts'
import { ingestCommand } from './ingest/ingest.ts'
import { initCommand } from './init.ts'
import { deadLettersListCommand } from './records/dead-letters.ts'
import { rejectedListCommand } from './records/rejected.ts'
import { replayCommand } from './replay/replay.ts'
import { resendCommand } from './replay/resend.ts'
import { resultsCommand } from './results/results.ts'
import { runCommand } from './run/run.ts'
import { statsCommand } from './stats/stats.ts'

export const commands: readonly Command[] = [
  initCommand,
  runCommand,
  ingestCommand,
  hooksPutCommand,
  hooksImportCommand,
  hooksGetCommand,
  hooksListCommand,
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
]
