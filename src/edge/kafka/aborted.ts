/**
 * Leaves out the records of aborted transactions. KafkaJS's own code lets some of them pass if several transactions were
 * aborted at the same time, because it advances by one transaction per record. It also takes a record whose key is four zero
 * bytes for the end of a transaction. This code turns records of aborted transactions into control records within the
 * answer. KafkaJS skips those.
 */
import type { AbortedTransaction, FetchedMessage } from './inner.ts'

interface ReadMessage extends FetchedMessage {
  isControlRecord?: boolean
}

/** The answer of a node for one partition. */
interface PartitionAnswer {
  abortedTransactions?: readonly AbortedTransaction[] | null
  readonly messages: readonly ReadMessage[]
}

/** The key of a control record is its version and its type, 16 bits each. Type 0 aborts, type 1 commits. */
const typeAt = 2
const takesBack = 0

/** As in Java's consumer: an aborted transaction extends from its first offset to the marker of its producer. */
export function hideAborted(answer: PartitionAnswer): void {
  const { abortedTransactions } = answer
  if (abortedTransactions == null || abortedTransactions.length === 0) return
  const rest = abortedTransactions.toSorted((one, other) =>
    Number(BigInt(one.firstOffset) - BigInt(other.firstOffset)),
  )
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
