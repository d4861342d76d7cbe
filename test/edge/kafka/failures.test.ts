import { kafkajs } from '../../../src/edge/kafka/kafkajs.ts'
import { describe, expect, it } from 'vitest'
import { UserError } from '../../../src/core/model/errors.ts'
import { isPassing } from '../../../src/edge/kafka/client.ts'
import { opening } from '../../../src/edge/kafka/refusals.ts'

const {
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
} = kafkajs

const settings = { brokers: ['b:1'], clientId: 'test' }
const late = new KafkaJSRequestTimeoutError('Request Metadata timed out', {
  broker: 'b:1',
  clientId: 'test',
  correlationId: 1,
  createdAt: 1,
  sentAt: 1,
  pendingDuration: 1,
})
const refused = new KafkaJSConnectionError('connect ECONNREFUSED', { broker: 'b:1' })
const exceeded = new KafkaJSNumberOfRetriesExceeded(refused, { retryCount: 4, retryTime: 1 })
const protocolError = (type: string, retriable: boolean) =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1, retriable }))

describe('a failure of Kafka', () => {
  it.each<readonly [string, unknown, boolean]>([
    ['a request that nobody answers', late, true],
    ['a connection that is refused', refused, true],
    ['one that was tried again in vain', exceeded, true],
    ['a leader that moves', protocolError('LEADER_NOT_AVAILABLE', true), true],
    ['a refusal of ours that tells of it', new UserError('no', 1, { cause: late }), true],
    ['a right that is missing', protocolError('TOPIC_AUTHORIZATION_FAILED', false), false],
    ['a login', protocolError('SASL_AUTHENTICATION_FAILED', false), false],
    ['what it takes for final', new KafkaJSError('no', { retriable: false }), false],
    ['a refusal of ours', new UserError('no'), false],
    ['a mistake of ours', new TypeError('no'), false],
    ['any other error', new Error('no'), false],
    ['what is no error', 'no', false],
  ])('may pass or not: %s', (_, error, mayPass) => {
    expect(isPassing(error)).toBe(mayPass)
  })

  it.each([late, refused, exceeded, protocolError('COORDINATOR_LOAD_IN_PROGRESS', true)])(
    'says while connecting which brokers do not answer: %s',
    async (error) => {
      const failed = opening(settings, () => Promise.reject(error))
      await expect(failed).rejects.toThrow('No Kafka broker answers at b:1')
      expect(isPassing(await failed.catch((thrown: unknown) => thrown))).toBe(true)
    },
  )
})
