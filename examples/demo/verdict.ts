/** The end of the demo: the table of what the results topic says, and whether it agrees with the other accounts. */
import { isResult } from '../../src/commands/results/result.ts'
import { UserError } from '../../src/core/model/errors.ts'
import type { InboundRecord } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { differencesBetween, type Evidence } from './check.ts'
import { acts, expectationOf, hookAt, hooks, type ExpectedRejection } from './script.ts'
import type { Story } from './story.ts'

/** Tells what there is and how it differs from what was expected. @returns whether all agree */
export function tellVerdict(evidence: Evidence, story: Story): boolean {
  const { received, results, rejected } = evidence
  const expected = expectationOf(acts)
  story.plain(
    'Of each hook: its records in the results topic, the calls its endpoint got, and what was',
  )
  story.plain('expected. A delivery that was retried has a record for each attempt.')
  story.table(
    hooks.map(({ id }) => ({
      hookId: id,
      results: results.filter(({ hookId }) => hookId === id),
      calls: received.filter(({ path }) => hookAt(path)?.id === id).length,
      expected: expected.calls.filter(({ hookId }) => hookId === id),
    })),
  )
  const { length } = expected.rejections
  story.plain(`Topic of rejected events: ${rejected.length}, expected ${length}.`)
  const differences = differencesBetween(expected, evidence)
  for (const difference of differences) story.difference(difference)
  if (differences.length > 0) return false
  const counts = `${received.length} calls, ${results.length} results, ${rejected.length} rejected event`
  story.agreement(`Receiver, results topic and expectation agree: ${counts}.`)
  return true
}

/** @param lines what `hooktide results --json` printed */
export function parseResults(lines: readonly string[]): readonly DeliveryResult[] {
  return lines.map((line) => {
    const result: unknown = JSON.parse(line)
    if (!isResult(result))
      throw new UserError(`The results topic has a record that is none: ${line}`)
    return result
  })
}

/** Why an event was rejected, from the headers of its record. */
export function rejectionOf({ headers }: InboundRecord): ExpectedRejection {
  const values = new Map(headers)
  const textOf = (name: string) => values.get(name)?.toString() ?? ''
  return { reason: textOf('hooktide-reason'), field: textOf('hooktide-field') }
}
