/** Groups of settings, and variables that look like misspelt settings. */
import { settingRows, type SettingRow } from './table.ts'
import { nearestName, editDistance } from './nearest.ts'

/** Settings that commands use together. A variable is in the first group whose pattern it matches, at last in `processor`. */
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
  monitor: /^HOOKTIDE_MONITOR_/,
  processor: /^/,
} as const

export type SettingGroup = keyof typeof groups

export const allGroups = Object.keys(groups) as readonly SettingGroup[]

/** The settings of these groups, in the order of the table. */
export function rowsOf(used: readonly SettingGroup[]): readonly SettingRow[] {
  return settingRows().filter(({ variable }) => {
    const group = allGroups.find((name) => groups[name].test(variable))
    return group !== undefined && used.includes(group)
  })
}

/** Names that are hooktide's own. One that is not a setting is a mistake, which may leave TLS or a login off unnoticed. */
const ownNames = /^(HOOKTIDE|KAFKA_SSL|KAFKA_SASL|SCHEMA_REGISTRY)_/
/** Variables of tests and demo, which are not settings of commands. */
const testPrefix = 'HOOKTIDE_TEST_'
/** Variables that Kubernetes sets for services with names such as `hooktide` or `schema-registry-web`. */
const serviceVariable = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_\w+$/
const serviceValue = /^(tcp|udp|sctp):\/\//

/**
 * A warning for each variable that looks like a setting but is not one: every unknown one of {@link ownNames}, and other
 * `KAFKA_*` variables that differ from a setting by one or two letters. All others may belong to other programs.
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
    if (meant !== undefined && (isOwn || editDistance(name, meant) <= 2)) {
      return [`${name} is not a setting and has no effect: did you mean ${meant}?`]
    }
    if (!isOwn) return []
    return [
      `${name} is not a setting and has no effect: "hooktide --help --all" lists the settings.`,
    ]
  })
}
