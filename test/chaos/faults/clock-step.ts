/** The wall clock of one processor is stepped and later stepped back, as by a time server that was unavailable. */
import type { FaultOf } from './fault.ts'

/** Less than the five minutes for which a receiver accepts a signature. */
const maxMs = 100_000

export const clockStep: FaultOf = {
  async begin({ fleet, dice }, { turn }) {
    const member = await fleet.pick(turn)
    const offsetMs = Math.round(dice.between(10_000, maxMs)) * (turn % 2 === 0 ? 1 : -1)
    await member.order({ kind: 'clock', offsetMs })
    return {
      what: `clock of ${member.name} stepped by ${Math.round(offsetMs / 1_000)} s`,
      countsFrom: 'begin',
      async end() {
        // It may have been killed meanwhile.
        if (fleet.members.includes(member)) await member.order({ kind: 'clock', offsetMs: 0 })
      },
    }
  },
}
