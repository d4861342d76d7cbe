/** What the names of settings tell: which belong together, and which variables are probably misspelt. */
import { settingRows, type SettingRow } from './table.ts'
import { nearestName, slipsBetween } from './nearest.ts'

/** Settings that commands use together. The first group whose pattern fits a variable has it; `processor` has the rest. */
const groups = {
  kafka: /^KAFKA_|^HOOKTIDE_COMPRESSION$/,
  registry: /^SCHEMA_REGISTRY_/,
  topics: /^HOOKTIDE_(TOPIC_|EVENT_TOPICS$)/,
  group: /^HOOKTIDE_GROUP_ID$/,
  tiers: /^HOOKTIDE_RETRY_TIERS$/,
  destinations: /^HOOKTIDE_(ALLOW_|EGRESS_PROXY$|NAME_SERVERS$)/,
  encryption: /^HOOKTIDE_ENCRYPTION_KEYS/,
  ingest: /^HOOKTIDE_INGEST_/,
  process: /^HOOKTIDE_(INSTANCE$|SHUTDOWN_MS$|HTTP_|LOG_(LEVEL|FORMAT)$)/,
  processor: /^/,
} as const

export type SettingGroup = keyof typeof groups

export const allGroups = Object.keys(groups) as readonly SettingGroup[]

/** Rows of the settings that belong to one of the groups, in the order of the table. */
export function rowsOf(used: readonly SettingGroup[]): readonly SettingRow[] {
  return settingRows().filter(({ variable }) => {
    const group = allGroups.find((name) => groups[name].test(variable))
    return group !== undefined && used.includes(group)
  })
}

/** A name that begins so and is no setting leaves a login or TLS out that its writer takes for set. */
const ownNames = /^(HOOKTIDE|KAFKA_SSL|KAFKA_SASL|SCHEMA_REGISTRY)_/
/** Read by the sandbox, for tests and demo: no settings of a command. */
const testPrefix = 'HOOKTIDE_TEST_'
/** What Kubernetes sets for a service of the name `hooktide` or `schema-registry`, and for one that begins so. */
const serviceVariable = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_\w+$/
const serviceValue = /^(tcp|udp|sctp):\/\//

/**
 * One sentence for each variable that looks like a setting and is none: all that {@link ownNames} has, and those of other
 * `KAFKA_*` that are a slip away from one. The rest of those may belong to other programs.
 */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const known = settingRows().map(({ variable }) => variable)
  return Object.entries(environment).flatMap(([name, value]) => {
    const isOwn = ownNames.test(name) && !name.startsWith(testPrefix)
    if (known.includes(name) || !(isOwn || name.startsWith('KAFKA_'))) return []
    if (serviceVariable.test(name) || serviceValue.test(value ?? '')) return []
    const meant = nearestName(name, known)
    if (meant !== undefined && (isOwn || slipsBetween(name, meant) <= 2)) {
      return [`${name} is not a setting and has no effect: did you mean ${meant}?`]
    }
    if (!isOwn) return []
    return [`${name} is not a setting and has no effect: "hooktide --help" lists the settings.`]
  })
}
