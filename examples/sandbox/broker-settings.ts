export type BrokerSettings = Readonly<Record<string, string>>

export interface BrokerAddresses {
  /** Where the node listens: for clients, and for itself as its own controller. */
  readonly listen: { readonly host: string; readonly port: number; readonly controllerPort: number }
  /** `host:port` that clients are told. */
  readonly advertised: string
  readonly overrides?: BrokerSettings
}

/** Settings of a single KRaft node for tests and demo, the same for every way to start it. */
export function brokerSettings({ listen, advertised, overrides }: BrokerAddresses): BrokerSettings {
  return {
    'node.id': '1',
    'process.roles': 'broker,controller',
    listeners: `PLAINTEXT://${listen.host}:${listen.port},CONTROLLER://${listen.host}:${listen.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${advertised}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${listen.controllerPort}`,
    // A topic that nobody created is a fault to be seen.
    'auto.create.topics.enable': 'false',
    // One node holds the only copy of everything.
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    // Less to create when a group or producer first appears.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    // Members join at once, and may be declared dead sooner than in production.
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    // The default alone is a quarter of the heap.
    'log.cleaner.dedupe.buffer.size': '4194304',
    ...overrides,
  }
}
