import { describe, expect, it } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { joinClassic, joinConsumerProtocol } from '../support/other-members.ts'
import { surroundings } from '../support/sandbox.ts'

describe('another program in the group', () => {
  it('that left its own metadata in a commit causes no loss of events', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'a' })
    const group = String(rig.environment['HOOKTIDE_GROUP_ID'])
    const admin = await connectAdmin(settingsOf(brokers), silentLog)
    const commits = await admin.groupOffsets(group, [`${rig.prefix}.events`])
    // Versions before took this text for four completed offsets.
    await admin.commitOffsets(
      group,
      commits.map((commit) => ({ ...commit, metadata: '1AAE' })),
    )
    await admin.stop()
    await rig.sendEvents(...Array.from({ length: 12 }, () => ({})))
    const process = await rig.run()
    await rig.results.waitFor((all) => all.length === 12)
    const line = await process.waitForLine(({ msg }) => msg === 'commit.foreign')
    expect(line).toMatchObject({ level: 'warn', group, count: commits.length })
  })

  it.each([
    ['with another assignor', joinClassic],
    ['of the consumer protocol', joinConsumerProtocol],
  ])('%s prevents the start of the processor, and the message says what to do', async (_, join) => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const group = String(rig.environment['HOOKTIDE_GROUP_ID'])
    const other = await join(brokers, group, `${rig.prefix}.events`)
    await using run = rig.start()
    expect(await run.exited).toBe(1)
    const problem = expect.stringMatching(
      new RegExp(
        `^Group ${group} is used by another program: .*\\(other-program at .*HOOKTIDE_GROUP_ID`,
      ),
    )
    expect(run.errorOutput()).toContain(`Group ${group} is used by another program`)
    expect(run.lines.at(-1)).toMatchObject({ level: 'fatal', problems: [problem] })
    await other.leave()
    await rig.run()
  })

  it('that joins first while a process has no connection ends that process, with the same message', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const group = String(rig.environment['HOOKTIDE_GROUP_ID'])
    const process = await rig.run()
    process.signal('SIGSTOP')
    await joinWhenFree(brokers, group, `${rig.prefix}.events`)
    process.signal('SIGCONT')
    expect(await process.exited).toBe(1)
    expect(process.errorOutput()).toContain(`Group ${group} is used by another program`)
    expect(process.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: expect.stringContaining('set HOOKTIDE_GROUP_ID to a group that nobody else uses'),
    })
  })
})

/** Its assignor keeps it out until the session of the one that is in has ended. */
async function joinWhenFree(
  brokers: readonly string[],
  group: string,
  topic: string,
): Promise<void> {
  const admin = await connectAdmin(settingsOf(brokers), silentLog)
  await expect
    .poll(async () => (await admin.listGroups(group)).find(({ groupId }) => groupId === group), {
      timeout: 30_000,
    })
    .toMatchObject({ state: 'Empty' })
  await admin.stop()
  await joinClassic(brokers, group, topic)
}
