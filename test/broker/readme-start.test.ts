import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { writeReadmeExamples } from '../support/readme-examples.ts'
import { uniqueNames } from '../support/names.ts'
import { checkoutFolder } from '../support/npm.ts'
import { useReceiver } from '../support/receiver.ts'
import { surroundings } from '../support/sandbox.ts'

it("README's way to start on a broker of one's own ends with a delivery", async () => {
  const { brokers } = surroundings()
  const { prefix, group } = uniqueNames()
  const receiver = await useReceiver()
  await using examples = await writeReadmeExamples({
    'localhost:9092': brokers.join(),
    'https://receiver.example': receiver.origin,
  })
  // A process group of its own: the processor goes on in the background when the shell has ended.
  const shell = spawn('sh', [`${examples.folder}/start.sh`], {
    cwd: checkoutFolder,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      HOOKTIDE_TOPIC_PREFIX: prefix,
      HOOKTIDE_GROUP_ID: group,
      HOOKTIDE_ALLOW_HTTP: 'true',
      HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
      HOOKTIDE_HTTP_PORT: '0',
    },
  })
  const end = () => void process.kill(-(shell.pid ?? 0), 'SIGKILL')
  process.once('exit', end)
  onTestFinished(() => {
    process.off('exit', end)
    end()
  })
  let output = ''
  shell.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [call] = await receiver.waitFor(1)
  expect(call?.path).toBe('/hook')
  expect(JSON.parse(call?.body.toString() ?? '')).toMatchObject({ event: 'PostSignIn' })
  while (!/PostSignIn.*delivered|delivered.*PostSignIn/.test(output))
    await once(shell.stdout, 'data')
})
