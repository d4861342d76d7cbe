import { randomBytes } from 'node:crypto'

/** Names that no other test uses, so that tests may share a broker. */
export interface UniqueNames {
  /** For `HOOKTIDE_TOPIC_PREFIX`: topics are `<prefix>.events` and so on. */
  readonly prefix: string
  /** For `HOOKTIDE_GROUP_ID`. */
  readonly group: string
}

export function uniqueNames(): UniqueNames {
  const id = randomBytes(6).toString('hex')
  return { prefix: `test-${id}`, group: `test-${id}-group` }
}
