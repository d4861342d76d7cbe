/** Where the fields of a record batch are: https://kafka.apache.org/documentation/#recordbatch */
export const batchLayout = {
  offset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  firstSequence: 53,
  count: 57,
  records: 61,
} as const

/** The field `length` counts the bytes from here on. */
export const countedFrom = 12
