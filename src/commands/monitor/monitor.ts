/** `hooktide monitor`: a page and an API that show hooks, events and deliveries, computed from topics alone. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asError, UserError } from '../../core/model/errors.ts'
import type { Hook } from '../../core/model/model.ts'
import { bodyFor } from '../../core/event/event.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import { prepareHook } from '../../core/run/request-headers.ts'
import { earliestStart } from '../../core/run/waiting.ts'
import { isJsonObject } from '../../core/text/json-text.ts'
import { createFilters } from '../../edge/filter/cel.ts'
import { createSchemaReader } from '../../edge/registry/schema-source.ts'
import { routesOf } from '../../monitor/api/api.ts'
import { loadAssets } from '../../monitor/api/assets.ts'
import { loopbackNames } from '../../monitor/api/guard.ts'
import type { FindEvent, FindRequest, FindWaiting } from '../../monitor/api/parts.ts'
import { startMonitorServer } from '../../monitor/api/server.ts'
import { Feeds } from '../../monitor/feed/feeds.ts'
import { ResultIndex } from '../../monitor/index/result-index.ts'
import type { Settings } from '../../settings/settings.ts'
import type { Command, CommandContext } from '../command.ts'
import { eventOfSource, readEvent, recordAt } from '../events/source-event.ts'
import { encryptionKeysOf } from '../hooks/encryption.ts'
import { hookWithoutSecrets } from '../hooks/hidden-secrets.ts'
import { kafkaSettingsOf, quiet } from '../kafka-session.ts'
import { waitingOf } from '../waiting/waiting.ts'
import { booleanOption, registrySettingsOf } from '../option-values.ts'
import { commandActions } from './command-actions.ts'
import { createTurns } from './turns.ts'

export const monitorCommand: Command = {
  name: 'monitor',
  summary: 'Serve a page and an API that show hooks, events and deliveries.',
  usage: '[--actions]',
  examples: ['monitor', 'monitor --actions'],
  options: {
    actions: {
      type: 'boolean',
      description: 'Let callers change hooks and endpoints, test, resend and replay.',
    },
  },
  uses: ['kafka', 'registry', 'topics', 'group', 'tiers', 'destinations', 'encryption', 'monitor'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { settings, signal, note } = context
  const isLocal = isLoopback(settings.monitorHost)
  refuseOpen(settings, isLocal)
  const kafka = kafkaSettingsOf(settings)
  const { file, remove } = await storeFile(settings)
  try {
    const index = new ResultIndex(file, sourceOf(settings), {
      windowMs: settings.monitorWindow,
      maxResults: settings.monitorMaxResults,
      maxBytes: settings.monitorMaxMib * 1024 * 1024,
    })
    const feeds = new Feeds({
      ...{ settings, kafka, index, signal, note },
      registry: registrySettingsOf(settings),
      keys: encryptionKeysOf(settings),
      log: quiet,
      now: Date.now,
    })
    const hasActions = booleanOption(context, 'actions')
    const server = await startMonitorServer({
      host: settings.monitorHost,
      port: settings.monitorPort,
      token: settings.monitorToken,
      hosts: hostsOf(settings, isLocal),
      routes: routesOf({
        view: feeds,
        act: hasActions ? commandActions(settings, signal) : undefined,
        findRequest: requestFinder(context),
        findEvent: eventFinder(context),
        filters: createFilters(),
        findWaiting: waitingFinder(context),
        headersOf: shownHeaders,
      }),
      hasActions,
      assets: loadAssets(),
      onChange: (changed) => feeds.onChange(changed),
      onFailed: (error) => note(`an answer could not be made: ${error.message}`),
    })
    const name = settings.monitorHost.includes(':')
      ? `[${settings.monitorHost}]`
      : settings.monitorHost
    note(
      `http://${name}:${server.port}${hasActions ? '' : ' (read-only; --actions lets callers change things)'}`,
    )
    await feeds.run()
    await server.stop()
    index.close()
    return 0
  } finally {
    await remove()
  }
}

/** @throws UserError when anybody could ask without a token */
function refuseOpen({ monitorHost, monitorToken }: Settings, isLocal: boolean): void {
  if (isLocal || monitorToken !== undefined) return
  throw new UserError(
    `${monitorHost} can be reached by others: set HOOKTIDE_MONITOR_TOKEN, such as to what "openssl rand -hex 24" prints, or listen on 127.0.0.1.`,
    2,
  )
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

/** With a token it may be called by any name, unless some are named. */
function hostsOf(settings: Settings, isLocal: boolean): ReadonlySet<string> | undefined {
  const { monitorHosts, monitorHost, monitorToken } = settings
  if (!isLocal && monitorHosts.length === 0 && monitorToken !== undefined) return undefined
  return new Set([...(isLocal ? loopbackNames : []), monitorHost, ...monitorHosts])
}

/** A store of its own, which goes with the process, unless one is named. Others cannot read either. */
async function storeFile({ monitorStore }: Settings) {
  if (monitorStore !== undefined) {
    process.umask(0o077)
    return { file: monitorStore, remove: () => Promise.resolve() }
  }
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-monitor-')).catch((error: unknown) => {
    const reason = asError(error).message
    throw new UserError(
      `No folder for the index can be made: ${reason}. Name a file with HOOKTIDE_MONITOR_STORE.`,
    )
  })
  return {
    file: join(folder, 'index.sqlite'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/**
 * What the index is of. Which topics have these names now is found out as they are read. Without a registry some results
 * may have been left out.
 */
function sourceOf({ topics, monitorWindow, registryUrl }: Settings): string {
  const hasRegistry = registryUrl !== undefined
  return JSON.stringify([topics.results, topics.deadLetters, monitorWindow, hasRegistry])
}

function requestFinder(context: CommandContext): FindRequest {
  const schemas = createSchemaReader(registrySettingsOf(context.settings))
  const inTurn = createTurns()
  return (delivery, source) =>
    inTurn(async () => {
      const event = await eventOfSource(context, schemas, source, delivery)
      return event === undefined ? undefined : { body: bodyFor(event, delivery.hookId).toString() }
    })
}

function eventFinder(context: CommandContext): FindEvent {
  const schemas = createSchemaReader(registrySettingsOf(context.settings))
  const inTurn = createTurns()
  const { events } = context.settings.topics
  return async (place) => {
    if (!events.includes(place.topic)) return undefined
    return await inTurn(async () => {
      const record = await recordAt(context, place)
      if (record === undefined) return undefined
      const decoded = await readEvent(record, schemas)
      if (decoded.kind === 'rejected') return undefined
      return { event: decoded.event, writtenAt: record.timestamp }
    })
  }
}

function waitingFinder(context: CommandContext): FindWaiting {
  const inTurn = createTurns()
  return (deliveryId) =>
    inTurn(async () => {
      const found = await waitingOf(context, new Set([deliveryId]))
      return found.of(deliveryId).map((one) => ({
        ...{ run: one.run, attempt: one.attempt, dueAt: earliestStart(one) },
        place: placeOf(one.place),
      }))
    })
}

/** Of a hook's own headers, with secrets hidden. Those of each call, such as signatures, are made when it is sent. */
function shownHeaders(hook: Hook): Readonly<Record<string, string>> {
  const shown = hookWithoutSecrets({ config: { headers: prepareHook(hook).headers } })
  const config = isJsonObject(shown['config']) ? shown['config'] : {}
  const headers = isJsonObject(config['headers']) ? config['headers'] : {}
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
