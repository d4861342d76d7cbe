import { onTestFinished } from 'vitest'
import {
  type Receiver,
  type ReceiverOptions,
  startReceiver,
} from '../../examples/sandbox/sandbox.ts'

/** A receiver for one test, stopped with it. */
export async function useReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options)
  onTestFinished(() => receiver.stop())
  return receiver
}
