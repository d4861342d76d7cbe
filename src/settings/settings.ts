/** Reads all settings from flags and environment variables. Nothing else reads the environment. */
import { hostname } from 'node:os'
import { UserError } from '../core/model/errors.ts'
import type { Tier, Topics } from '../core/model/model.ts'
import { sortedTiers } from '../core/run/schedule.ts'
import { Fault } from './parsers.ts'
import { securityFaults } from './security.ts'
import { flagOf, settingNames, settingTable, type SettingName } from './table.ts'

type Parsed<Name extends SettingName> = Exclude<
  ReturnType<(typeof settingTable)[Name]['parse']>,
  Fault
>

type Read = { readonly [Name in SettingName]: Parsed<Name> }

/** All settings, read and checked. Frozen. */
export type Settings = Omit<Read, 'instance'> & {
  readonly instance: string
  readonly topics: Topics
  /** The configured tiers, by ascending delay. */
  readonly tiers: readonly Tier[]
}

type Variables = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Partial<Record<SettingName, string>>>

/**
 * Reads all settings. A flag overrides its variable, which overrides the default.
 *
 * @param isUsed whether the command uses a variable: an unused variable may have any value, and its default is read instead
 * @throws UserError that lists every fault
 */
export function readSettings(
  environment: Variables,
  flags: Flags = {},
  isUsed: (variable: string) => boolean = () => true,
): Settings {
  const faults: string[] = []
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const name of settingNames) {
    const parsed = readSetting(name, environment, flags)
    const { variable, default: fallback, parse } = settingTable[name]
    if (!(parsed instanceof Fault)) values[name] = parsed
    else if (flags[name] !== undefined) faults.push(`--${flagOf(name)} ${parsed.message}`)
    else if (isUsed(variable)) faults.push(`${variable} ${parsed.message}`)
    else values[name] = parse(fallback)
  }
  // Each name has a value of its own parser, unless there is a fault, which is thrown below.
  const read = values as Read
  if (isUsed(settingTable.encryptionKeys.variable)) faults.push(...encryptionFaults(read))
  const isSecurityRead = 'ssl' in values && 'saslMechanism' in values
  if (isSecurityRead && isUsed(settingTable.brokers.variable)) faults.push(...securityFaults(read))
  if (faults.length > 0) throw UserError.listing('Settings are not usable', faults, 2)
  return completed(read)
}

function encryptionFaults(read: Partial<Read>): readonly string[] {
  const isBoth = read.encryptionKeys !== undefined && read.encryptionKeysFile !== undefined
  const [name, fileName] = [settingTable.encryptionKeys, settingTable.encryptionKeysFile].map(
    ({ variable }) => variable,
  )
  return isBoth ? [`${name} and ${fileName} are both set: remove one of them`] : []
}

function readSetting(name: SettingName, environment: Variables, flags: Flags): unknown {
  const { variable, default: fallback, parse, flagFault } = settingTable[name]
  const given = flags[name]
  const fault = given === undefined ? undefined : flagFault(given)
  if (fault !== undefined) return new Fault(fault)
  return parse((given ?? environment[variable] ?? fallback).trim())
}

/** Adds what is derived from several settings. */
function completed(read: Read): Settings {
  const topics = topicsOf(read)
  const tiers = sortedTiers(
    read.retryTiers.map(({ name, delayMs }) => ({
      topic: `${topics.retryPrefix}${name}`,
      delayMs,
    })),
  )
  return Object.freeze({
    ...read,
    instance: read.instance ?? `${hostname()}-${process.pid}`,
    topics,
    tiers,
  })
}

function topicsOf(read: Read): Topics {
  const prefix = read.topicPrefix
  return {
    events: read.eventTopics.length > 0 ? read.eventTopics : [`${prefix}.events`],
    hooks: read.topicHooks ?? `${prefix}.hooks`,
    results: read.topicResults ?? `${prefix}.webhook.results`,
    requests: read.topicRequests ?? `${prefix}.webhook.requests`,
    deadLetters: read.topicDeadLetters ?? `${prefix}.webhook.dead-letters`,
    rejected: read.topicRejected ?? `${prefix}.events.rejected`,
    endpoints: read.topicEndpoints ?? `${prefix}.webhook.endpoints`,
    retryPrefix: read.topicRetryPrefix ?? `${prefix}.webhook.retry.`,
  }
}

/** The settings as the log shows them at start, without secrets. */
export function shownSettings(read: Settings): Readonly<Record<string, unknown>> {
  return Object.fromEntries(settingNames.map((name) => [name, settingTable[name].show(read[name])]))
}
