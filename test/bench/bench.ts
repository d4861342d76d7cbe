/** `npm run bench -- --help` says what there is to measure. */
import { UserError } from '../../src/core/model/errors.ts'
import { helpText, readBenchOptions, type BenchOptions } from './options.ts'

const options = optionsOrExit(process.argv.slice(2))
if (options.kind === 'help') console.log(helpText)
else if (options.kind === 'ingest') await import('./ingest.ts')
else if (options.kind === 'isolation') await import('./isolation.ts')
else await import('./throughput.ts')

function optionsOrExit(args: readonly string[]): BenchOptions {
  try {
    return readBenchOptions(args)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    error.lines.forEach((line) => console.error(line))
    process.exit(error.exitCode)
  }
}
