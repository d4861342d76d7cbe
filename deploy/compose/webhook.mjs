/**
 * Sends event.json with the current time, as Logto sends a webhook: `node webhook.mjs <url>`, with the signing key in
 * HOOKTIDE_INGEST_SIGNING_KEYS. Prints the answer. The exit code is 1 if it is not 200.
 */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [url = ''] = process.argv.slice(2)
const event = JSON.parse(readFileSync(new URL('event.json', import.meta.url), 'utf8'))
// Logto adds the id of its own webhook at the end.
const body = JSON.stringify({
  ...event,
  createdAt: new Date().toISOString(),
  hookId: 'w2f8p6u0c9ydj3ms7ealr',
})
const key = process.env.HOOKTIDE_INGEST_SIGNING_KEYS ?? ''
const signature = createHmac('sha256', key).update(body).digest('hex')
const response = await fetch(url, {
  method: 'POST',
  body,
  headers: {
    'user-agent': 'Logto (https://logto.io/)',
    'content-type': 'application/json',
    'logto-signature-sha-256': signature,
  },
})
process.stdout.write(`${response.status} ${await response.text()}`)
process.exitCode = response.ok ? 0 : 1
