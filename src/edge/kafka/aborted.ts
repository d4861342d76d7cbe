/**
 * Leaves out what transactions took back. KafkaJS's own way lets records pass where several transactions were taken back
 * at once, since it begins with one of them a record, and takes a record whose key is four zero bytes for the end of one.
 * Here such records become control records in the answer itself: those are read on behind and handed to nobody.
 */
import { createRequire } from 'node:module'
import type { FetchedMessage } from './inner.ts'

interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

interface ReadMessage extends FetchedMessage {
  isControlRecord?: boolean
}

/** What a node answered for one partition. */
interface PartitionAnswer {
  abortedTransactions?: readonly AbortedTransaction[] | null
  readonly messages: readonly ReadMessage[]
}

interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly PartitionAnswer[] }[]
}

/** A control record's key is its version and what it does, 16 bits each: 0 takes back, 1 commits. */
const typeAt = 2
const takesBack = 0

/** As Java's consumer does it: a transaction is taken back from its first offset to the marker of its producer. */
function hideAborted(answer: PartitionAnswer): void {
  const rest = (answer.abortedTransactions ?? []).toSorted((one, other) =>
    Number(BigInt(one.firstOffset) - BigInt(other.firstOffset)),
  )
  if (rest.length === 0) return
  const takenBack = new Set<string>()
  for (const message of answer.messages) {
    while (rest[0] !== undefined && BigInt(rest[0].firstOffset) <= BigInt(message.offset)) {
      takenBack.add(rest[0].producerId)
      rest.shift()
    }
    const { producerId = '', inTransaction = false } = message.batchContext ?? {}
    if (endsTakenBack(message)) takenBack.delete(producerId)
    else if (inTransaction && takenBack.has(producerId)) message.isControlRecord = true
  }
  // Nothing is left for KafkaJS to do.
  answer.abortedTransactions = []
}

function endsTakenBack({ isControlRecord, key }: ReadMessage): boolean {
  return isControlRecord === true && key?.readInt16BE(typeAt) === takesBack
}

interface FetchingMethods {
  fetch(request: unknown): Promise<FetchAnswer>
}

function install(): void {
  const Broker = createRequire(import.meta.url)('kafkajs/src/broker') as {
    readonly prototype: FetchingMethods
  }
  const { fetch } = Broker.prototype
  Broker.prototype.fetch = async function (request) {
    const answer = await fetch.call(this, request)
    for (const { partitions } of answer.responses) partitions.forEach(hideAborted)
    return answer
  }
}

install()
