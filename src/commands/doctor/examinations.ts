/** What `doctor` looks at, one function each. */
import { endpointStateOf } from '../../core/health/record.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import type { HookId } from '../../core/model/model.ts'
import type { BrokerAddress, KafkaAdmin } from '../../edge/kafka/admin.ts'
import { readBrokerClock } from '../../edge/kafka/broker-clock.ts'
import { unreachableBecause } from '../../edge/kafka/reach.ts'
import { resultSchemaFault } from '../../edge/registry/result-codec.ts'
import type { CommandContext } from '../command.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import {
  destinationsOf,
  hostOf,
  hostWarnings,
  type Destination,
} from '../hooks/destination-warning.ts'
import { hooksTestCommand } from '../hooks/test.ts'
import { problemLine, problemsOf, type StoredHook } from '../hooks/topic.ts'
import { kafkaSettingsOf, quiet } from '../kafka-session.ts'
import { textOf } from '../line.ts'
import { registrySettingsOf, textOption } from '../option-values.ts'
import { inspectTopics, missingRightLines } from '../run/startup-checks.ts'
import { brokerFindings, clockFinding, finding, findingsOf, type Finding } from './findings.ts'

type Findings = Promise<readonly Finding[]>

export async function examineBrokers(admin: KafkaAdmin): Findings {
  const { addresses } = await admin.describeCluster()
  return brokerFindings(
    await Promise.all(
      addresses.map(async (address) => ({
        address: textOfAddress(address),
        fault: await unreachableBecause(address),
      })),
    ),
  )
}

function textOfAddress({ host, port }: BrokerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export async function examineClock({ settings }: CommandContext): Findings {
  return [clockFinding(await readBrokerClock(kafkaSettingsOf(settings), quiet, Date.now))]
}

export async function examineRights(admin: KafkaAdmin, { settings }: CommandContext): Findings {
  const faults = await missingRightLines(admin, settings, quiet)
  return findingsOf('rights', { faults }, 'a processor with this login has all that it needs')
}

export async function examineTopics(admin: KafkaAdmin, { settings }: CommandContext): Findings {
  const { refusals, warnings } = await inspectTopics(admin, settings)
  return findingsOf('topics', { faults: refusals, warnings }, 'all are there, as they should be')
}

/** Both groups have the same processes: a group without members, beside one that has some, is about to be joined. */
export async function examineProcessors(admin: KafkaAdmin, { settings }: CommandContext): Findings {
  const groups = [settings.groupId, retryGroupOf(settings.groupId)]
  const described = await Promise.all(groups.map((group) => admin.describeGroup(group)))
  const empty = groups.filter((_, index) => described[index]?.members.length === 0)
  const warnings = empty.map((group) => `Nobody is in group ${group}: start "hooktide run".`)
  const count = Math.max(...described.map(({ members }) => members.length))
  return findingsOf('processors', { warnings }, `${count} in both groups`)
}

export async function examineRegistry({ settings }: CommandContext): Findings {
  const registry = registrySettingsOf(settings)
  if (registry === undefined) {
    return [finding('registry', 'ok', 'none is set: results are written as JSON')]
  }
  const fault = await resultSchemaFault(registry, settings.topics.results)
  const faults = fault === undefined ? [] : [fault]
  return findingsOf('registry', { faults }, 'it has the schema of results')
}

/** More of them would fill a screen with what "hooktide hooks list" says in a line each. */
const maxNamed = 10

export async function examineHooks(
  context: CommandContext,
  hooks: readonly StoredHook[],
): Findings {
  const endpoints = await readEndpoints(context)
  const suspended = hooks.filter(({ entry }) => entry.kind === 'suspended')
  const failing = hooks.flatMap(({ id, entry }) => {
    if (entry.kind !== 'active') return []
    const state = endpointStateOf(entry.hook, endpoints.get(id))
    return state === 'healthy' ? [] : [`${id} (${state})`]
  })
  const warnings = [
    ...suspended
      .slice(0, maxNamed)
      .map(
        (hook) => `Hook ${hook.id} is suspended: ${problemsOf(hook).map(problemLine).join('; ')}.`,
      ),
    ...(suspended.length > maxNamed
      ? [`${suspended.length - maxNamed} more hooks are suspended: see "hooktide hooks list".`]
      : []),
    ...(failing.length === 0
      ? []
      : [
          `${failing.length} endpoint(s) are not healthy, such as ${failing.slice(0, maxNamed).join(', ')}: see "hooktide endpoints list".`,
        ]),
  ]
  return findingsOf('hooks', { warnings }, `${hooks.length} hook(s), none of which is suspended`)
}

/** Of each host one hook: what is said of a host is the same for all that lead there. */
export async function examineNames(
  { settings }: Pick<CommandContext, 'settings'>,
  hooks: readonly StoredHook[],
): Findings {
  const destinations = hooks.flatMap(({ id, entry, members }) =>
    entry.kind === 'active' && entry.hook.enabled
      ? destinationsOf(members).map((destination) => ({ ...destination, id }))
      : [],
  )
  const found = await hostWarnings(destinations, settings)
  const byHost = new Map(destinations.toReversed().map((one) => [hostOf(one), one]))
  const warnings = [...found].flatMap(([host, warning]) => {
    const destination = byHost.get(host)
    if (warning === undefined || destination === undefined) return []
    return [`${purposes[destination.field](destination.id)}: ${warning}.`]
  })
  return findingsOf(
    'names',
    { warnings },
    `${found.size} host(s) of hooks resolve here, and may be called`,
  )
}

const purposes: Readonly<Record<Destination['field'], (id: HookId) => string>> = {
  'config.url': (id) => `The endpoint of hook ${id} would not be called`,
  'delivery.oauth.tokenUrl': (id) => `Hook ${id} would get no access token`,
}

/** By way of the processors, as `hooks test` does it. */
export async function examineDelivery(context: CommandContext): Findings {
  const id = textOption(context, 'hook')
  if (id === undefined) {
    return [finding('delivery', 'skipped', 'name a hook to send a test to: --hook <id>')]
  }
  const said: string[] = []
  const code = await hooksTestCommand.run({
    ...context,
    args: [id],
    options: { wait: '30s' },
    // Without the alignment of a table.
    print: (line) => void said.push(textOf(line).replaceAll(/ +/g, ' ')),
    note: (line) => void said.push(line),
  })
  if (code === 0) return [finding('delivery', 'ok', `hook ${id} has answered: ${said.join('; ')}`)]
  return [finding('delivery', 'fault', `The test of hook ${id} has failed: ${said.join('; ')}`)]
}
