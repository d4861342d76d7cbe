/**
 * Who is in a group, as its coordinator tells. If members have only left since the last join, a member keeps all of its
 * partitions: the assignor moves none that has an owner, unless the group has grown or topics have.
 */
import { within } from '../waiting.ts'
import type { DescribedGroup, InnerGroup } from './inner.ts'

/** How long the coordinator may take to name the members. */
const describeMs = 500

export class KnownMembers {
  /** The members of the newest generation; `undefined` while they are not known. */
  #ids: ReadonlySet<string> | undefined

  /** The group was joined. Asks for the members of the new generation. */
  async note(group: InnerGroup): Promise<void> {
    const { generationId } = group
    this.#ids = undefined
    const described = await describe(group)
    // In another state there may be members already that are of no generation yet.
    if (described?.state !== 'Stable' || group.generationId !== generationId) return
    this.#ids = new Set(described.members.map(({ memberId }) => memberId))
  }

  /** Whether members have joined since then, or this cannot be known. */
  async haveOthersJoined(group: InnerGroup): Promise<boolean> {
    const before = this.#ids
    if (before === undefined) return true
    const { members = [] } = (await describe(group)) ?? {}
    return members.length === 0 || members.some(({ memberId }) => !before.has(memberId))
  }
}

async function describe({ coordinator, groupId }: InnerGroup): Promise<DescribedGroup | undefined> {
  if (coordinator === null) return undefined
  const described = coordinator.describeGroups({ groupIds: [groupId] }).catch(() => undefined)
  return (await within(described, describeMs, undefined))?.groups[0]
}
