/** Runs scenarios round by round, and shows what they found. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { asError, UserError } from '../../src/core/model/errors.ts'
import { withRound, type Rows, type Target } from './figures.ts'
import { headerOf } from './machine.ts'
import type { BenchOptions } from './options.ts'
import {
  comparisonText,
  headerText,
  readReport,
  reportText,
  tableText,
  targetsText,
  withMeasurement,
  type Report,
} from './report.ts'
import { startRig, type Rig } from './rig.ts'
import type { Scenario } from './scenario.ts'
import { describedScenario, type ScenarioName } from './scenario-list.ts'
import { busyScenario } from './scenarios/busy.ts'
import { drainScenario } from './scenarios/drain.ts'
import { fanoutScenario } from './scenarios/fanout.ts'
import { hangingScenario } from './scenarios/hanging.ts'
import { hookTableScenario } from './scenarios/hook-table.ts'
import { killScenario } from './scenarios/kill.ts'
import { latencyScenario } from './scenarios/latency.ts'
import { backlogScenario, burstScenario, ratesScenario } from './scenarios/neighbours.ts'
import { originsScenario } from './scenarios/origins.ts'
import { processesScenario } from './scenarios/processes.ts'
import { recoveryScenario } from './scenarios/recovery.ts'
import { rollingScenario } from './scenarios/rolling.ts'
import { slowEndpointScenario } from './scenarios/slow-endpoint.ts'
import { startScenario } from './scenarios/start.ts'
import { waitingScenario } from './scenarios/waiting.ts'

type RunOptions = Extract<BenchOptions, { readonly kind: 'run' }>

const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  drain: drainScenario,
  'slow-endpoint': slowEndpointScenario,
  latency: latencyScenario,
  kill: killScenario,
  fanout: fanoutScenario,
  'hook-table': hookTableScenario,
  origins: originsScenario,
  waiting: waitingScenario,
  processes: processesScenario,
  start: startScenario,
  rolling: rollingScenario,
  hanging: hangingScenario,
  burst: burstScenario,
  backlog: backlogScenario,
  rates: ratesScenario,
  busy: busyScenario,
  recovery: recoveryScenario,
}

/** @throws {UserError} when the baseline, or the report to go on with, cannot be read */
export async function run(options: RunOptions): Promise<void> {
  const baseline =
    options.baseline === undefined ? undefined : await reportOf(options.baseline, 'baseline')
  let report = await reportToGoOnWith(options.json)
  const rig = await startRig()
  try {
    const header = headerOf(rig.surroundings, options)
    process.stdout.write(`${headerText(header)}\n`)
    for (const name of options.scenarios) {
      const rows = await measure(rig, name, options)
      show(name, rows, { targets: scenarios[name].targets, baseline })
      report = withMeasurement(report, name, { header, rows })
      // Written after each, so that a run that is ended early leaves what it has.
      if (options.json !== undefined) await writeFile(options.json, reportText(report))
    }
  } finally {
    await rig.stop()
  }
}

/** Subjects take turns. Who begins changes from round to round: a broker just started is slow to the first. */
async function measure(rig: Rig, name: ScenarioName, options: RunOptions): Promise<Rows> {
  const subjects = await scenarios[name].prepare(rig, options)
  const rounds = describedScenario(name).isSimulated === true ? 1 : options.rounds
  let rows: Rows = Object.fromEntries(subjects.map((subject) => [subject.name, {}]))
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const subject = subjects[(round + turn) % subjects.length]
      if (subject === undefined) continue
      rig.note(`${name}, round ${round + 1} of ${rounds}: ${subject.name}`)
      rows = withRound(rows, subject.name, await subject.measure())
    }
  }
  return rows
}

function show(
  name: ScenarioName,
  rows: Rows,
  {
    targets,
    baseline,
  }: { readonly targets: readonly Target[]; readonly baseline?: Report | undefined },
): void {
  const { target } = describedScenario(name)
  const texts = [
    tableText(target === '' ? name : `${name} (${target})`, rows),
    targetsText(rows, targets),
  ]
  const before = baseline?.scenarios[name]
  if (before !== undefined) {
    texts.push(comparisonText(`/ ${before.header.date.slice(0, 10)}`, rows, before.rows))
  }
  process.stdout.write(`\n${texts.filter((text) => text !== '').join('\n')}\n`)
}

/** What the file has already, which a file that is no report must not lose. */
async function reportToGoOnWith(path: string | undefined): Promise<Report> {
  if (path === undefined || !existsSync(path)) return { scenarios: {} }
  return await reportOf(path, 'report')
}

async function reportOf(path: string, what: 'baseline' | 'report'): Promise<Report> {
  try {
    return readReport(await readFile(path, 'utf8'))
  } catch (error) {
    const { message } = asError(error)
    throw new UserError(`The ${what} ${path} cannot be read: ${message}. --json writes one.`, 1)
  }
}
