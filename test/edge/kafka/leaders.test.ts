import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import '../../../src/edge/kafka/client.ts'

const Cluster = createRequire(import.meta.url)('kafkajs/src/cluster') as {
  readonly prototype: {
    metadata(this: object, request: { readonly topics: readonly string[] }): Promise<unknown>
  }
}

/** As KafkaJS has it while each node answers with an error. */
function failingCluster(metadata: (topics: readonly string[]) => Promise<object>): object {
  return {
    retrier: (work: (bail: (error: Error) => never) => unknown) =>
      work((error) => {
        throw error
      }),
    brokerPool: {
      refreshMetadataIfNecessary: () => Promise.resolve(),
      withBroker: () => Promise.resolve(null),
      findConnectedBroker: () => Promise.resolve({ metadata }),
    },
  }
}

describe('a request for the metadata of a topic that each node answers with an error', () => {
  it('fails with the error of the nodes', async () => {
    const cluster = failingCluster(() => Promise.reject(new Error('there is no leader')))
    const asked = Cluster.prototype.metadata.call(cluster, { topics: ['events'] })
    await expect(asked).rejects.toThrow('there is no leader')
  })

  it('has the answer of the second request if that succeeds', async () => {
    const requested: string[] = []
    const cluster = failingCluster((topics) => {
      requested.push(...topics)
      return Promise.resolve({ topicMetadata: [] })
    })
    const answer = await Cluster.prototype.metadata.call(cluster, { topics: ['events'] })
    expect({ answer, requested }).toEqual({ answer: { topicMetadata: [] }, requested: ['events'] })
  })
})
