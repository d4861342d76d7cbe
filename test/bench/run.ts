/** Runs scenarios round by round, and shows what they found. */
import { readFile, writeFile } from 'node:fs/promises'
import { asError, UserError } from '../../src/core/model/errors.ts'
import { withRound, type Rows, type Target } from './figures.ts'
import { headerOf } from './machine.ts'
import type { BenchOptions } from './options.ts'
import {
  comparisonText,
  headerText,
  readReport,
  tableText,
  targetsText,
  type Report,
} from './report.ts'
import { startRig, type Rig } from './rig.ts'
import type { Scenario } from './scenario.ts'
import { describedScenario, type ScenarioName } from './scenario-list.ts'
import { busyScenario } from './scenarios/busy.ts'
import { drainScenario } from './scenarios/drain.ts'
import { fanoutScenario } from './scenarios/fanout.ts'
import { hangingScenario } from './scenarios/hanging.ts'
import { killScenario } from './scenarios/kill.ts'
import { latencyScenario } from './scenarios/latency.ts'
import { backlogScenario, burstScenario, ratesScenario } from './scenarios/neighbours.ts'
import { processesScenario } from './scenarios/processes.ts'
import { recoveryScenario } from './scenarios/recovery.ts'
import { rollingScenario } from './scenarios/rolling.ts'
import { slowEndpointScenario } from './scenarios/slow-endpoint.ts'
import { startScenario } from './scenarios/start.ts'

type RunOptions = Extract<BenchOptions, { readonly kind: 'run' }>

const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  drain: drainScenario,
  'slow-endpoint': slowEndpointScenario,
  latency: latencyScenario,
  kill: killScenario,
  fanout: fanoutScenario,
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

/** @throws {UserError} when the baseline cannot be read */
export async function run(options: RunOptions): Promise<void> {
  const baseline = await baselineOf(options.baseline)
  const rig = await startRig()
  try {
    const header = headerOf(rig.surroundings, options)
    process.stdout.write(`${headerText(header)}\n`)
    let report: Report = { header, scenarios: {} }
    for (const name of options.scenarios) {
      const rows = await measure(rig, name, options)
      report = { ...report, scenarios: { ...report.scenarios, [name]: rows } }
      show(name, rows, { targets: scenarios[name].targets, baseline })
      // Written after each, so that a run that is ended early leaves what it has.
      if (options.json !== undefined) {
        await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
      }
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
  if (before !== undefined && baseline !== undefined) {
    texts.push(comparisonText(`/ ${baseline.header.date.slice(0, 10)}`, rows, before))
  }
  process.stdout.write(`\n${texts.filter((text) => text !== '').join('\n')}\n`)
}

async function baselineOf(path: string | undefined): Promise<Report | undefined> {
  if (path === undefined) return undefined
  try {
    return readReport(await readFile(path, 'utf8'))
  } catch (error) {
    const { message } = asError(error)
    throw new UserError(`The baseline ${path} cannot be read: ${message}. --json writes one.`, 1)
  }
}
