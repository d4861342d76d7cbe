/**
 * The door of the sandbox: a real Kafka, a real schema registry and a receiver of webhooks, for the demo, the tests and
 * the benchmarks. They import this file and no other of this folder; `test/project/doors.test.ts` checks it.
 */
export { kafkaVersion, registryVersion } from './artifacts.ts'
export type { BrokerSettings } from './broker-settings.ts'
export { freePort, isFree } from './free-port.ts'
export { type EmbeddedKafka, soonForgotten, startEmbeddedKafka } from './kafka.ts'
export {
  type EmbeddedCluster,
  type EmbeddedNode,
  type NodeAddress,
  startEmbeddedCluster,
} from './kafka-cluster.ts'
export {
  receive,
  type ReceivedRequest,
  type Receiver,
  type ReceiverAnswer,
  type ReceiverOptions,
  standardSecretOf,
  startReceiver,
} from './receiver.ts'
export { createReceiverPage } from './receiver-page.ts'
export { registryPath, startEmbeddedRegistry } from './registry.ts'
export { type Surroundings, startSurroundings } from './surroundings.ts'
