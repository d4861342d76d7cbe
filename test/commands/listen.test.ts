import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { CommandContext } from '../../src/commands/command.ts'
import { textOf } from '../../src/commands/line.ts'
import { keysIn, listenCommand } from '../../src/commands/listen/listen.ts'
import { readSettings } from '../../src/settings/settings.ts'

const signingKey = 'Kq3Vx8Zc1Lk6Tt0Pp9Rr2Ss5Uu7Ww4Yy'
const body = '{"event":"PostSignIn","user":"\\u001b[2J"}'

function hookFile(hook: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'hooktide-listen-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'hook.json'), JSON.stringify(hook))
  return join(folder, 'hook.json')
}

/** The command at work, as soon as it listens. */
async function listening(options: CommandContext['options']) {
  const [printed, noted]: [string[], string[]] = [[], []]
  const started = Promise.withResolvers<string>()
  const ending = new AbortController()
  const done = listenCommand.run({
    settings: readSettings({}),
    settingWarnings: [],
    args: [],
    options: { port: '0', ...options },
    print: (line) => void printed.push(textOf(line)),
    note(line) {
      noted.push(line)
      const origin = /^Listening on (\S+)\//.exec(line)?.[1]
      if (origin !== undefined) started.resolve(origin)
    },
    showProgress: undefined,
    columns: undefined,
    ask: undefined,
    signal: ending.signal,
  })
  const origin = await Promise.race([started.promise, done.then(() => '')])
  return { origin, printed, noted, done, end: () => ending.abort() }
}

const signed = {
  'webhook-id': 'dlv_4pX0cV3mJrKq8sT1uWyZ2a',
  'logto-signature-sha-256': createHmac('sha256', signingKey).update(body).digest('hex'),
}

describe('listen', () => {
  it('shows a call with what its signatures are worth, and answers as it is told', async () => {
    const file = hookFile({ signingKey })
    const { origin, printed, done } = await listening({ file, status: '503', limit: '1' })
    const answer = await fetch(`${origin}/hook?x=1`, { method: 'POST', headers: signed, body })
    expect(answer.status).toBe(503)
    expect(await done).toBe(0)
    const [head = '', ...lines] = printed
    expect(head).toMatch(
      /^\S+Z {2}POST \/hook\?x=1 {2}PostSignIn {2}dlv_4pX0cV3mJrKq8sT1uWyZ2a {2}attempt - {2}Logto: valid/,
    )
    expect(head).toMatch(/Standard Webhooks: absent$/)
    expect(lines.join('\n')).toContain('"event": "PostSignIn"')
    expect(printed.join('')).not.toContain('\u001b[2J')
  })

  it('prints calls as JSON, with the body as it came, and ends when it is asked to', async () => {
    const { origin, printed, noted, done, end } = await listening({ json: true })
    const headers = { ...signed, authorization: 'Bearer hunter2', 'x-api-key': 'hunter2' }
    await fetch(origin, { method: 'POST', headers, body: 'no JSON' })
    end()
    expect(await done).toBe(0)
    expect(JSON.parse(printed[0] ?? '')).toMatchObject({
      method: 'POST',
      path: '/',
      headers: { 'webhook-id': signed['webhook-id'] },
      signatures: { logto: 'unchecked', standard: 'absent' },
      body: 'no JSON',
    })
    expect(printed.join('')).not.toContain('hunter2')
    expect(noted.join('\n')).toContain('Signatures are not checked')
  })

  it('takes no body that is larger than any of ours, and goes on', async () => {
    const { origin, printed, done } = await listening({ limit: '1', json: true })
    const large = await fetch(origin, { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) }).then(
      ({ status }) => status,
      () => 'cut',
    )
    expect([413, 'cut']).toContain(large)
    await fetch(origin, { method: 'POST', body: 'small' })
    await done
    expect(printed).toHaveLength(1)
  })

  it('says what is wrong with the hook that it is to check with', async () => {
    await expect(listening({ file: hookFile([]) })).rejects.toThrow('is not a JSON object')
    await expect(listening({ file: hookFile({}) })).rejects.toThrow('has no signing key.')
    await expect(listening({ file: 'x', hook: 'a' })).rejects.toThrow('give one of them')
    const { origin, end, done } = await listening({})
    const taken = { port: new URL(origin).port }
    await expect(listening(taken)).rejects.toThrow(
      'is in use: set --port to a free one, or to 0 for any.',
    )
    end()
    await done
  })

  it('checks with the keys of a rotation too', () => {
    const previousSigningKeys = [{ key: 'older', expiresAt: 5 }, { key: 7 }, 'none']
    expect(keysIn({ signingKey: 'new', delivery: { previousSigningKeys } }, 'x')).toEqual([
      { key: 'new', expiresAt: undefined },
      { key: 'older', expiresAt: 5 },
    ])
  })
})
