/** A processor is killed or ends in order, and another one replaces it. */
import type { FaultOf } from './fault.ts'

/** kill -9. */
export const kill: FaultOf = {
  async begin(world, { id, turn }) {
    const member = await world.fleet.pick(turn, true)
    await world.fleet.kill(member)
    const crash = await world.disturbances.crash(id)
    crash.close()
    return {
      what: `kill -9 of ${member.name}`,
      countsFrom: 'begin',
      end: () => Promise.resolve(void world.fleet.start()),
    }
  },
}

/** SIGTERM. */
export const term: FaultOf = {
  async begin(world, { turn }) {
    const member = await world.fleet.pick(turn, true)
    const ending = world.fleet.end(member)
    return {
      what: `SIGTERM to ${member.name}`,
      countsFrom: 'begin',
      async end() {
        const code = await ending
        if (code !== 0) throw new Error(`${member.name} ended with ${code} after SIGTERM`)
        world.fleet.start()
      },
    }
  },
}
