/**
 * KafkaJS, loaded after the override of its requests ({@link ./requests.ts}), which its connections take when they are loaded.
 * Whatever uses KafkaJS at run time imports it from here.
 */
import './requests.ts'
import kafkajs from 'kafkajs'

export { AssignerProtocol, Kafka, logLevel } from 'kafkajs'
export { kafkajs }
