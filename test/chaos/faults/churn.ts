/** Members join and leave every few seconds. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultOf } from './fault.ts'

const staysMs = 2_500

export const churn: FaultOf = {
  begin({ fleet }) {
    const stopping = new AbortController()
    let count = 0
    const goOn = async () => {
      while (!stopping.signal.aborted) {
        const member = fleet.start()
        await member.settled
        await sleep(staysMs)
        if (!fleet.members.includes(member)) continue
        const code = await fleet.end(member)
        if (code !== 0) throw new Error(`${member.name} ended with ${code} after SIGTERM`)
        count += 1
      }
    }
    const going = goOn()
    // A failure is reported at the end of the fault.
    going.catch(() => undefined)
    const begun = {
      get what() {
        return `a member joins and leaves again and again, ${count} times`
      },
      countsFrom: 'end' as const,
      async end() {
        stopping.abort()
        await going
      },
    }
    return Promise.resolve(begun)
  },
}
