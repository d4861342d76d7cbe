import { describeHttpSender } from './http-sender-suite.ts'
import type { EndpointAnswer } from './http-sender-suite.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { useSender } from '../support/http-calls.ts'
import { createMemoryHttp } from '../support/memory-http.ts'
import { useReceiver } from '../support/receiver.ts'

describeHttpSender('HTTP by undici', async () => {
  let answer: EndpointAnswer | undefined
  const receiver = await useReceiver({
    answer() {
      if (answer === undefined) return { kind: 'hang' }
      const { status, retryAfterSeconds, body = '' } = answer
      const headers: Record<string, string> = {}
      if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
      return { kind: 'respond', status, headers, body }
    },
  })
  return {
    sender: useSender(),
    url: `${receiver.origin}/`,
    answerWith(next) {
      answer = next
    },
    elapse: async () => {},
  }
})

describeHttpSender('HTTP in memory', async () => {
  const clock = createHandClock()
  const sender = createMemoryHttp(clock)
  const url = 'https://example.com/'
  return {
    sender,
    url,
    answerWith(answer) {
      if (answer === undefined) return sender.script(url)
      const { status, retryAfterSeconds, body = '' } = answer
      sender.script(url, {
        status,
        body,
        ...(retryAfterSeconds !== undefined && { retryAfterMs: retryAfterSeconds * 1000 }),
      })
    },
    elapse: (ms) => clock.advance(ms),
  }
})
