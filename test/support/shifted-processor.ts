/**
 * A processor on the real broker, within the process of the test. The test can set its clock forward, so waits of hours pass
 * at once, and everything else is real. The broker's clock does not change, so records are always old enough.
 */
import { onTestFinished } from 'vitest'
import { decryptWith } from '../../src/core/hook/encrypted-text.ts'
import { createFilters } from '../../src/edge/filter/cel.ts'
import { createHttpSender } from '../../src/edge/http/sender.ts'
import { createNames } from '../../src/edge/names/names.ts'
import { createGroupSource } from '../../src/edge/kafka/group-source.ts'
import { createLoopMeter } from '../../src/edge/loop-meter.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { createTableSource } from '../../src/edge/kafka/table-source.ts'
import { jsonResultEncoder } from '../../src/edge/registry/result-codec.ts'
import { createAbsentRegistry } from '../../src/edge/registry/schema-source.ts'
import type { Clock, GroupSource } from '../../src/ports.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { createProcessor } from '../../src/topology.ts'
import { settingsOf, silentLog } from './kafka-tools.ts'

export interface ShiftedProcessor {
  /** Sets the clock forward. Whatever is due then happens soon. */
  shift(ms: number): void
}

/** Starts it with the settings of an environment, as `run` does. It is stopped when the test ends. */
export async function startShifted(
  environment: Readonly<Record<string, string>>,
): Promise<ShiftedProcessor> {
  const settings = readSettings(environment)
  const { topics, groupId, sessionTimeoutMs, allowHttp, allowCidrs } = settings
  const kafka = settingsOf(settings.brokers)
  const clock = createShiftedClock()
  const table = (topic: string, setting: string) =>
    createTableSource({
      settings: kafka,
      topic,
      setting,
      log: silentLog,
    })
  const group = (name: string, groupTopics: readonly string[]): GroupSource => {
    const source = createGroupSource({
      settings: kafka,
      groupId: name,
      topics: groupTopics,
      sessionTimeoutMs,
      log: silentLog,
    })
    // The proof of membership uses the real clock.
    const provenAt = () => {
      const at = source.provenAt()
      return at === undefined ? at : at + clock.offset()
    }
    return { ...bound(source), provenAt }
  }
  const processor = createProcessor(
    {
      hooks: table(topics.hooks, 'HOOKTIDE_TOPIC_HOOKS'),
      endpoints: table(topics.endpoints, 'HOOKTIDE_TOPIC_ENDPOINTS'),
      schemas: createAbsentRegistry(() => undefined),
      filters: createFilters(),
      decrypt: decryptWith([]),
      live: group(groupId, [...topics.events, topics.requests]),
      retry: group(
        `${groupId}.retry`,
        settings.tiers.map(({ topic }) => topic),
      ),
      sink: createSink({ settings: kafka, log: silentLog }),
      noticeSink: createSink({ settings: kafka, log: silentLog }),
      http: createHttpSender({
        clock,
        names: createNames({ clock, emit: () => undefined, servers: settings.nameServers }),
        allowHttp,
        allowCidrs,
        egressProxy: undefined,
        maxIdleSockets: 16,
      }),
      encoder: jsonResultEncoder,
      clock,
      loop: createLoopMeter(),
      tracing: undefined,
      random: () => 0,
      emit: () => undefined,
      onFailed: (error) => {
        throw error
      },
    },
    { ...settings, userAgent: 'hooktide/test' },
  )
  onTestFinished(async () => {
    await processor.stop(1_000)
    clock.stop()
  })
  await processor.start()
  return { shift: clock.shift }
}

/** Any source as an object of closures. */
function bound(source: GroupSource): GroupSource {
  return {
    start: (listener) => source.start(listener),
    pause: (partition) => source.pause(partition),
    resume: (partition) => source.resume(partition),
    commit: (entries) => source.commit(entries),
    provenAt: () => source.provenAt(),
    trouble: () => source.trouble(),
    stop: () => source.stop(),
  }
}

interface ShiftedClock extends Clock {
  shift(ms: number): void
  offset(): number
  stop(): void
}

function createShiftedClock(): ShiftedClock {
  let offset = 0
  const waiting = new Set<{ readonly at: number; readonly fire: () => void }>()
  const monotonic = () => performance.now() + offset
  const fireDue = () => {
    for (const timer of [...waiting].toSorted((one, other) => one.at - other.at)) {
      if (timer.at <= monotonic() && waiting.delete(timer)) timer.fire()
    }
  }
  const ticking = setInterval(fireDue, 5)
  return {
    now: () => Date.now() + offset,
    monotonic,
    after(delayMs, fire) {
      const timer = { at: monotonic() + delayMs, fire }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    soon: (run) => void setImmediate(run),
    shift(ms) {
      offset += ms
    },
    offset: () => offset,
    stop: () => clearInterval(ticking),
  }
}
