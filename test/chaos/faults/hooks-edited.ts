/** Hooks are edited, deleted and written again many times a second, on a topic that is compacted meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultOf } from './fault.ts'

const everyMs = 20

export const hooksEdited: FaultOf = {
  begin({ hooks, dice }) {
    const own = dice.fork('edits')
    let isOver = false
    let count = 0
    const goOn = async () => {
      while (!isOver) {
        await hooks.edit(own)
        count += 1
        await sleep(everyMs)
      }
      await hooks.putAll()
    }
    const going = goOn()
    return Promise.resolve({
      get what() {
        return `hooks edited ${count} times`
      },
      countsFrom: 'end' as const,
      async end() {
        isOver = true
        await going
      },
    })
  },
}
