/** Names of the consumer groups that a processor has in addition to `HOOKTIDE_GROUP_ID`. */

/** The group that reads the retry tiers. */
export function retryGroupOf(groupId: string): string {
  return `${groupId}.retry`
}

/** The prefix of groups that hold the progress of replays. The id of the replay follows it. */
export function replayGroupPrefix(groupId: string): string {
  return `${groupId}.replay.`
}
