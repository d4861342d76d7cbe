/** Reads the settings of the table from flags and variables, all of them together. Nothing else reads the environment. */
import { hostname } from 'node:os'
import { UserError } from '../core/model/errors.ts'
import type { Tier, Topics } from '../core/model/model.ts'
import { sortedTiers } from '../core/run/schedule.ts'
import { ingestFaults } from './ingest-table.ts'
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
  /** Configured tiers, ascending by delay. */
  readonly tiers: readonly Tier[]
}

type Variables = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Partial<Record<SettingName, string>>>

/**
 * Reads all settings: flags over variables over defaults.
 *
 * @param isUsed whether a variable is used: one that is not may have any text, and its default is read then
 * @throws UserError that names every fault at once
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
  // Every name of the table has been read with that name's own parser, or there is a fault.
  const read = values as Read
  faults.push(...faultsTogether(read, isUsed))
  if (faults.length > 0) throw UserError.listing('Settings are not usable', faults, 2)
  return completed(read)
}

/** What is wrong with settings that are right one by one. Those that could not be read are missing. */
function faultsTogether(
  read: Partial<Read>,
  isUsed: (variable: string) => boolean,
): readonly string[] {
  const { encryptionKeys, ingestPort, brokers } = settingTable
  const isSecurityRead = 'ssl' in read && 'saslMechanism' in read
  return [
    ...(isUsed(encryptionKeys.variable) ? encryptionFaults(read) : []),
    ...(isUsed(ingestPort.variable) ? ingestFaults(read) : []),
    ...(isSecurityRead && isUsed(brokers.variable) ? securityFaults(read as Read) : []),
  ]
}

function encryptionFaults(read: Partial<Read>): readonly string[] {
  const isBoth = read.encryptionKeys !== undefined && read.encryptionKeysFile !== undefined
  const [name, fileName] = [settingTable.encryptionKeys, settingTable.encryptionKeysFile].map(
    ({ variable }) => variable,
  )
  return isBoth ? [`${name} and ${fileName} are both set: leave one of them out`] : []
}

function readSetting(name: SettingName, environment: Variables, flags: Flags): unknown {
  const { variable, default: fallback, parse, flagFault } = settingTable[name]
  const given = flags[name]
  const fault = given === undefined ? undefined : flagFault(given)
  if (fault !== undefined) return new Fault(fault)
  return parse((given ?? environment[variable] ?? fallback).trim())
}

/** With what follows from several settings together. */
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

/**
 * What may be logged at start.
 *
 * @param isUsed as that of {@link readSettings}
 */
export function shownSettings(
  read: Settings,
  isUsed: (variable: string) => boolean = () => true,
): Readonly<Record<string, unknown>> {
  const used = settingNames.filter((name) => isUsed(settingTable[name].variable))
  return Object.fromEntries(used.map((name) => [name, settingTable[name].show(read[name])]))
}
