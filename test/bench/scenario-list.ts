/** The scenarios by name, for the command line: what each is about, and the target that it measures. */

interface Described {
  /** Such as `S1`; empty for one without a target of its own. */
  readonly target: string
  readonly about: string
  /** Whether another round could show nothing else: it runs in memory, on a simulated clock. */
  readonly isSimulated?: true
}

const scenarioList = {
  drain: {
    target: 'S1',
    about: 'a backlog to an endpoint that answers at once, beside the bare and the lean loop',
  },
  'slow-endpoint': {
    target: 'S2',
    about: 'an endpoint that takes 50 ms, 256 calls at once, beside the bare loop',
  },
  hanging: {
    target: 'S3',
    about:
      'others beside one hook that hangs, and beside 4,500 of a tenant at 3,000 events a second',
  },
  burst: { target: 'S3c', about: '1,500 events for a slow hook beside as many for a fast one' },
  latency: {
    target: 'S4',
    about: '500 events a second, from write to arrival, beside the bare loop',
  },
  kill: {
    target: 'S5',
    about: 'kill -9 while a backlog is drained: calls repeated, time until back',
  },
  fanout: { target: 'S6', about: 'events for 100 hooks each, beside as many for one hook' },
  'hook-table': {
    target: 'S7',
    about: '1,000,000 hooks: memory, loading, cost of an event, 1,000 changes a second',
  },
  origins: {
    target: 'S8',
    about: '10,000 hooks on 10,000 origins, a tenth of them dead, 600 events a second',
  },
  waiting: {
    target: 'S9',
    about: 'fresh events while five times --events wait for an endpoint (15 minutes a round)',
  },
  processes: { target: 'S10', about: 'one, two and four processes on 12 partitions' },
  start: { target: 'S11', about: 'start until ready with 10,000 hooks; start of commands' },
  rolling: {
    target: 'S12',
    about: 'two processes replaced one after the other at 500 events a second',
  },
  backlog: {
    target: '',
    about: '20,000 events for a hook of 40 calls a second (9 minutes a round)',
  },
  rates: { target: '', about: 'hooks of several rates, and several numbers of partitions' },
  busy: { target: '', about: '50 hooks while two other programs use the cores' },
  recovery: {
    target: '',
    about: 'an endpoint that failed for an hour, in memory on a simulated clock: one round',
    isSimulated: true,
  },
} as const satisfies Readonly<Record<string, Described>>

export type ScenarioName = keyof typeof scenarioList

export const scenarioNames = Object.keys(scenarioList) as readonly ScenarioName[]

export function describedScenario(name: ScenarioName): Described {
  return scenarioList[name]
}
