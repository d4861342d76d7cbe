/** Writes the books of a failed run to files, for the search for the cause. */
import { createWriteStream } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import type { ChaosReport } from './run.ts'

/** One file of JSON lines for each book. @returns their folder */
export async function keepEvidence({
  books,
  deaths,
  faults,
  logs,
  comparison,
  samples,
}: ChaosReport): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-chaos-books-'))
  const { events, requests, results, carried, commits, disturbances } = books
  const wrong = [comparison.faults]
  // The coverage of commits is long, and can be computed from the other books.
  const spans = disturbances.map(({ kind, id, fault, from, until }) => ({
    kind,
    id,
    fault,
    from,
    until,
  }))
  const files = {
    events,
    requests,
    results,
    carried,
    commits,
    disturbances: spans,
    deaths,
    faults,
    samples,
    wrong,
    logs: logs.flatMap(({ name, lines }) => lines.map((line) => ({ ...line, name }))),
  }
  for (const [name, list] of Object.entries(files))
    await writeLines(join(folder, `${name}.ndjson`), list)
  return folder
}

async function writeLines(path: string, list: readonly object[]): Promise<void> {
  const file = createWriteStream(path)
  for (const item of list) {
    if (!file.write(`${JSON.stringify(item)}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}
