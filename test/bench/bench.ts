/** `npm run bench -- --help` says what there is to measure. */
import { UserError } from '../../src/core/model/errors.ts'
import { helpText, readBenchOptions } from './options.ts'

// Processes that were started end with this one, which they do only where it ends by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  const options = readBenchOptions(process.argv.slice(2))
  if (options.kind === 'help') console.log(helpText)
  else await (await import('./run.ts')).run(options)
} catch (error) {
  if (!(error instanceof UserError)) throw error
  error.lines.forEach((line) => console.error(line))
  process.exitCode = error.exitCode
}
