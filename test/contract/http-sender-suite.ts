/** What every HTTP sender promises, whether it has sockets or not. */
import { describe, expect, it } from 'vitest'
import type { HttpSender } from '../../src/ports.ts'
import { requestTo, send, startCall } from '../support/http-calls.ts'

export interface EndpointAnswer {
  readonly status: number
  readonly retryAfterSeconds?: number
  readonly body?: string
}

export interface SenderHarness {
  readonly sender: HttpSender
  readonly url: string
  /** What the endpoint does from now on; until then, and with `undefined`, it answers nothing. */
  readonly answerWith: (answer: EndpointAnswer | undefined) => void
  /** Moves a clock that stands still; a real one moves by itself. */
  readonly elapse: (ms: number) => Promise<void>
}

export function describeHttpSender(name: string, start: () => Promise<SenderHarness>): void {
  describe(name, () => {
    it('reports a response by its status and body, whatever the status', async () => {
      const { sender, url, answerWith } = await start()
      for (const status of [200, 204, 301, 404, 410, 500]) {
        const body = status === 204 ? '' : `body of ${status}`
        answerWith({ status, body })
        expect(await send(sender, url)).toMatchObject({ kind: 'response', status, body })
      }
    })

    it('never reports within send', async () => {
      const { sender, url, answerWith } = await start()
      answerWith({ status: 200 })
      for (const target of [url, 'nonsense', 'ftp://127.0.0.1/']) {
        const { result, results } = startCall(sender, requestTo(target))
        expect(results).toEqual([])
        await result
      }
    })

    it('passes on for how long the endpoint asks for no calls', async () => {
      const { sender, url, answerWith } = await start()
      answerWith({ status: 503, retryAfterSeconds: 120 })
      expect(await send(sender, url)).toMatchObject({ status: 503, retryAfterMs: 120_000 })
      answerWith({ status: 503 })
      expect(await send(sender, url)).toMatchObject({ status: 503, retryAfterMs: undefined })
    })

    it('ends a call at its deadline', async () => {
      const { sender, url, elapse } = await start()
      const { result, results } = startCall(sender, requestTo(url, { timeoutMs: 50 }))
      await elapse(50)
      expect(await result).toMatchObject({
        kind: 'error',
        errorClass: 'timeout',
        status: undefined,
      })
      expect(results).toHaveLength(1)
    })

    it('reports an aborted call once', async () => {
      const { sender, url } = await start()
      const { call, result, results } = startCall(sender, requestTo(url))
      call.abort()
      call.abort()
      expect(await result).toMatchObject({ kind: 'aborted' })
      await sender.stop()
      expect(results).toHaveLength(1)
    })

    it('does nothing when a call is aborted after its end', async () => {
      const { sender, url, answerWith } = await start()
      answerWith({ status: 200 })
      const { call, result, results } = startCall(sender, requestTo(url))
      await result
      call.abort()
      await sender.stop()
      expect(results).toMatchObject([{ kind: 'response', status: 200 }])
    })

    it('aborts calls in flight when it stops, and all later ones', async () => {
      const { sender, url } = await start()
      const before = startCall(sender, requestTo(url))
      await sender.stop()
      expect(before.results).toMatchObject([{ kind: 'aborted' }])
      expect(await send(sender, url)).toMatchObject({ kind: 'aborted' })
    })

    it.each([
      '',
      'nonsense',
      '/path',
      'ftp://example.com/',
      'file:///etc/passwd',
      'https://user:secret@example.com/',
      'https://example.com:0/',
      'http://127.0.0.1:000/',
    ])('refuses the URL "%s" without repeating it', async (bad) => {
      const { sender } = await start()
      const result = await send(sender, bad)
      expect(result.kind).toBe('invalid-url')
      expect(JSON.stringify(result)).not.toContain('secret')
    })
  })
}
