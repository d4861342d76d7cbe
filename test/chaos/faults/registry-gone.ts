/** The registry refuses connections, or does not answer them. A processor that starts meanwhile has to wait. */
import type { FaultOf } from './fault.ts'

export const registryGone: FaultOf = {
  lacks: ({ registry }) => (registry === undefined ? 'this run has no registry' : undefined),
  async begin(world, { turn }) {
    const { fleet, registry } = world
    if (registry === undefined) throw new Error('this run has no registry')
    const isRefusing = turn % 2 === 0
    await (isRefusing ? registry.down() : registry.hang())
    const member = await fleet.pick(turn, true)
    const code = await fleet.end(member)
    if (code !== 0) throw new Error(`${member.name} ended with ${code} after SIGTERM`)
    const next = fleet.start()
    return {
      what: `registry ${isRefusing ? 'refuses connections' : 'answers nothing'}, ${next.name} starts meanwhile`,
      countsFrom: 'end',
      end: () => registry.pass(),
      async resumed(since) {
        await next.settled
        await world.watch.resumed(since)
      },
    }
  },
}
