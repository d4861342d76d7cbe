/** A processor stops for a while and then continues. Others may have its partitions by then. */
import type { OpenCrash } from '../disturbances.ts'
import { sessionMs } from '../plan.ts'
import type { FaultOf } from './fault.ts'

/** SIGSTOP. */
export const stop: FaultOf = {
  async begin({ fleet, disturbances }, { id, turn }) {
    const member = await fleet.pick(turn)
    member.run.signal('SIGSTOP')
    const crash = await disturbances.crash(id)
    return {
      what: `SIGSTOP of ${member.name}`,
      countsFrom: 'begin',
      end() {
        member.run.signal('SIGCONT')
        disturbances.handOver()
        closeSoon(crash)
        return Promise.resolve()
      },
    }
  },
}

/** The event loop is blocked for a time that is shorter or longer than the session time-out. */
export const loopBlocked: FaultOf = {
  async begin({ fleet, disturbances }, { id, turn, lastsMs }) {
    const member = await fleet.pick(turn)
    await member.order({ kind: 'block', ms: lastsMs })
    const crash = await disturbances.crash(id)
    const beyond = lastsMs >= sessionMs ? 'beyond' : 'within'
    return {
      what: `event loop of ${member.name} blocked for ${lastsMs} ms, ${beyond} the session`,
      countsFrom: 'begin',
      end() {
        disturbances.handOver()
        closeSoon(crash)
        return Promise.resolve()
      },
    }
  },
}

/** A call that had started before arrives when the process continues, since its request was not written before. */
function closeSoon(crash: OpenCrash): void {
  setTimeout(() => crash.close(), arrivalMs)
}

const arrivalMs = 1_000
