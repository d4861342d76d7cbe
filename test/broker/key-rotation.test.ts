/** A delivery during the overlap of two signing keys, as receivers of either kind see it. */
import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { expect, it } from 'vitest'
import { type ReceivedRequest, standardSecretOf } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

const oldKey = 'OldKeyOldKeyOldKeyOldKeyOldKey12'

function verifies({ headers, body }: ReceivedRequest, key: string): boolean {
  try {
    new Webhook(standardSecretOf(key)).verify(body, headers, { jsonParse: false })
    return true
  } catch {
    return false
  }
}

it('a delivery made during the overlap of a rotated key verifies with the old key and with the new one', async () => {
  await using rig = await createBrokerRig({ brokers: surroundings().brokers })
  await rig.putHooks({ id: 'a', signingKey: oldKey })
  const process = await rig.run()
  const words = ['hooks', 'rotate-key', 'a', '--overlap', '24h', '--json']
  const { stdout } = await hooktide(words, rig.environment)
  const { signingKey: newKey } = JSON.parse(stdout) as { readonly signingKey: string }
  await process.waitForLine(({ msg, hookId }) => msg === 'hook.changed' && hookId === 'a')
  await rig.sendEvents({})
  const [request] = await rig.receiver.waitFor(1)
  if (request === undefined) throw new Error('a request was waited for')
  expect([oldKey, newKey, 'another'].map((key) => verifies(request, key))).toEqual([
    true,
    true,
    false,
  ])
  expect(request.headers['logto-signature-sha-256']).toBe(
    createHmac('sha256', newKey).update(request.body).digest('hex'),
  )
  expect(request.headers['webhook-signature']?.split(' ')).toHaveLength(2)
})
