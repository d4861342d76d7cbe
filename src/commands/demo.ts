/**
 * `hooktide demo`: the whole of it, live, on a Kafka and a registry of its own. An operator's part is played by this very
 * command line in child processes, and each command is shown. None of the settings it is called with are used: those
 * may lead to someone's production.
 */
import { UserError } from '../core/model/errors.ts'
import type { Command, CommandContext, InterruptedCode } from './command.ts'

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Show it all, live, on a Kafka that is started for it.',
  usage: '',
  options: {},
  uses: [],
  run,
}

async function run(context: CommandContext): Promise<0 | 1 | InterruptedCode> {
  const { playDemo } = await import('../demo/demo.ts').catch((error: unknown) => {
    throw isMissingModule(error) ? new UserError(needsCheckout, 1, { cause: error }) : error
  })
  return await playDemo(context)
}

const needsCheckout =
  'The demo is not a part of packages, images and installations without development packages. Run "npm run demo" in a checkout of hooktide: it installs what is missing.'

function isMissingModule(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
