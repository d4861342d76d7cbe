/** What a process holds when its garbage is gone, asked of it by the protocol of its inspector. */
import type { RunningProcess } from '../support/hooktide-process.ts'
import type { Environment } from './product.ts'

/** For a process that is to be asked: its inspector takes a port that is free. It is closed until it is asked. */
export const inspectable: Environment = { NODE_OPTIONS: '--inspect-port=0' }

const address = /^Debugger listening on (ws:\S+)$/m

/** Bytes of its heap and of buffers outside it, after a full collection. Its event loop stands still for that. */
export async function liveBytesOf(run: RunningProcess): Promise<number> {
  const inspector = new WebSocket(await addressOf(run))
  await new Promise((resolve, reject) => {
    inspector.addEventListener('open', resolve, { once: true })
    inspector.addEventListener('error', reject, { once: true })
  })
  try {
    await ask(inspector, 'HeapProfiler.collectGarbage', {})
    const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())'
    const { result } = await ask(inspector, 'Runtime.evaluate', { expression })
    return result?.result?.value ?? Number.NaN
  } finally {
    inspector.close()
  }
}

/** SIGUSR1 opens the inspector of a Node that runs. */
async function addressOf(run: RunningProcess): Promise<string> {
  run.signal('SIGUSR1')
  for (let tries = 0; tries < 100; tries += 1) {
    const [, found] = address.exec(run.errorOutput()) ?? []
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the process opened no inspector within 10 s')
}

interface Answer {
  readonly result?: { readonly result?: { readonly value?: number } }
}

/** One question at a time. */
function ask(inspector: WebSocket, method: string, params: object): Promise<Answer> {
  inspector.send(JSON.stringify({ id: 1, method, params }))
  return new Promise((resolve) => {
    inspector.addEventListener(
      'message',
      ({ data }) => resolve(JSON.parse(String(data)) as Answer),
      { once: true },
    )
  })
}
