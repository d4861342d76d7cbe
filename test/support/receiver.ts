import { onTestFinished } from 'vitest'
import { startReceiver } from '../../src/sandbox/receiver.ts'
import type { Receiver, ReceiverOptions } from '../../src/sandbox/receiver.ts'

/** A receiver for one test, stopped with it. */
export async function useReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options)
  onTestFinished(() => receiver.stop())
  return receiver
}
