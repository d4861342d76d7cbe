/** Names of the consumer groups that belong to a processor beside its own, `HOOKTIDE_GROUP_ID`. */

/** The group that reads the retry tiers. */
export function retryGroupOf(groupId: string): string {
  return `${groupId}.retry`
}

/** What the groups begin with that hold how far replays have come; the replay's id follows. */
export function replayGroupPrefix(groupId: string): string {
  return `${groupId}.replay.`
}
