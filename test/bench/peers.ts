/** The programs that hooktide is measured beside, each a process of its own. */
import { firstLine, rejectAtEnd, startScript } from './script.ts'
import type { Contender } from './contender.ts'

export interface PeerArguments {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly groupId: string
  readonly url: string
  /** Calls in flight over all partitions. */
  readonly concurrency: number
  readonly partitions: number
  /** Where the bare loop writes a record per call; without it none are written. */
  readonly results?: string
}

export type PeerName = 'bare' | 'lean'

export async function startPeer(name: PeerName, args: PeerArguments): Promise<Contender> {
  const child = startScript(`peers/${name}-loop.ts`, [JSON.stringify(args)])
  const ended = rejectAtEnd(child)
  ended.catch(() => undefined)
  await firstLine(child)
  const stop = async () => {
    child.stdin?.end()
    await ended.catch(() => undefined)
  }
  return {
    pids: child.pid === undefined ? [] : [child.pid],
    ended,
    stop,
    async kill() {
      child.kill('SIGKILL')
      await ended.catch(() => undefined)
    },
    [Symbol.asyncDispose]: stop,
  }
}
