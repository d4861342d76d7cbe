import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { writeDocExamples } from '../support/doc-examples.ts'
import { freePort } from '../../examples/sandbox/sandbox.ts'
import { uniqueNames } from '../support/names.ts'
import { checkoutFolder } from '../support/npm.ts'
import { surroundings } from '../support/sandbox.ts'

it("README's script for your own broker ends with a verified call", async () => {
  const { brokers } = surroundings()
  const { prefix, group } = uniqueNames()
  const port = String(await freePort())
  await using receiver = await writeDocExamples()
  await using examples = await writeDocExamples({
    'localhost:9092': brokers.join(),
    '127.0.0.1:8080': `127.0.0.1:${port}`,
    '../receiver/receiver.ts': `${receiver.folder}/receiver.ts`,
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
      HOOKTIDE_HTTP_PORT: '0',
      PORT: port,
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
  const reported = '{"use":"report","outcome":{"2026-09-14 Ward planner":1}}'
  while (
    !output.includes(reported) ||
    !/PostSignIn.*delivered|delivered.*PostSignIn/.test(output)
  ) {
    await once(shell.stdout, 'data')
  }
  expect(output).toContain(reported)
})
