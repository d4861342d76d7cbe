/**
 * A receiver to look at, for docker-compose.yml: it answers every call with 200, checks both signatures with the key of
 * a hook, logs a line for each call, and shows the newest of them as a page.
 *
 * `node examples/sandbox/receiver-page.ts --port 8080 --hook hook.json`
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { UserError } from '../../src/core/model/errors.ts'
import { printable, printableJson } from '../../src/core/text/printable-text.ts'
import { receive, type ReceivedRequest } from './receiver.ts'

export interface ReceiverPageOptions {
  /** The signing key of the hook whose calls come here. */
  readonly key: string
  /** One line per call. */
  readonly log: (line: string) => void
  readonly now?: () => Date
}

/** What the page shows of a call. */
interface ShownCall {
  readonly at: string
  readonly request: Pick<ReceivedRequest, 'path' | 'logtoSignature' | 'standardSignature'>
  readonly event: string
  readonly deliveryId: string
  readonly attempt: string
  readonly body: string
}

const maxShown = 50

/** Not listening yet. GET / is the page, GET /healthz says that it is there, and a POST of any path is a call. */
export function createReceiverPage({
  key,
  log,
  now = () => new Date(),
}: ReceiverPageOptions): Server {
  const calls: ShownCall[] = []
  return createServer((incoming, response) => {
    const { method = '', url = '' } = incoming
    if (method === 'POST') {
      receive(
        incoming,
        () => key,
        (request) => {
          const call = shownCall(request, now())
          calls.unshift(call)
          calls.length = Math.min(calls.length, maxShown)
          log(lineOf(call))
          response.writeHead(200).end()
        },
      )
    } else if (method === 'GET' && url === '/healthz') {
      response.writeHead(200).end('ok\n')
    } else if (method === 'GET' && url === '/') {
      sendPage(response, calls)
    } else {
      response.writeHead(404).end()
    }
  })
}

function shownCall(request: Omit<ReceivedRequest, 'connection'>, at: Date): ShownCall {
  const { headers } = request
  const body = request.body.toString()
  return {
    at: at.toISOString(),
    request,
    event: eventKeyOf(body),
    deliveryId: headers['webhook-id'] ?? '',
    attempt: headers['hooktide-attempt'] ?? '',
    body,
  }
}

function eventKeyOf(body: string): string {
  try {
    const payload: unknown = JSON.parse(body)
    const isNamed = typeof payload === 'object' && payload !== null && 'event' in payload
    return isNamed ? String(payload.event) : ''
  } catch {
    return ''
  }
}

/** Quoted and escaped where it comes from outside, so that no call can write a line of its own. */
function lineOf({ at, request, event, deliveryId, attempt }: ShownCall): string {
  const call = printable(JSON.stringify({ path: request.path, event, deliveryId, attempt }))
  return `${at} received ${call}; Logto's signature ${request.logtoSignature}, Standard Webhooks signature ${request.standardSignature}`
}

function sendPage(response: ServerResponse, calls: readonly ShownCall[]): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'cache-control': 'no-store',
  })
  response.end(pageOf(calls))
}

function pageOf(calls: readonly ShownCall[]): string {
  const rows = calls.map(rowOf).join('\n')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="2">
<title>Webhooks received</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color-scheme: light dark }
  table { border-collapse: collapse; width: 100% }
  th, td { border-bottom: 1px solid #8884; padding: .4rem .8rem; text-align: left; vertical-align: top }
  pre { margin: 0; max-width: 50rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px }
</style>
<h1>Webhooks received</h1>
<p>${calls.length === 0 ? 'None yet.' : `The newest ${calls.length}, newest first.`} This page renews itself.</p>
<table>
<tr><th>Received<th>Event<th>Delivery<th>Attempt<th>Logto's signature<th>Standard Webhooks signature<th>Body
${rows}
</table>
</html>
`
}

function rowOf({ at, request, event, deliveryId, attempt, body }: ShownCall): string {
  const { logtoSignature, standardSignature } = request
  const cells = [at, event, deliveryId, attempt, logtoSignature, standardSignature]
  return `<tr>${cells.map((cell) => `<td>${escaped(cell)}`).join('')}<td><pre>${escaped(body)}</pre>`
}

/** A call may hold anything: none of it becomes markup, nor turns what stands around it. */
function escaped(text: string): string {
  return printableJson(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8080' }, hook: { type: 'string', default: '' } },
  })
  const hook: unknown = JSON.parse(await readFile(values.hook, 'utf8'))
  if (typeof hook !== 'object' || hook === null || !('signingKey' in hook)) {
    throw new UserError(
      `${values.hook} has no signingKey, and without it no signature can be checked.`,
    )
  }
  const log = (line: string) => process.stdout.write(`${line}\n`)
  const server = createReceiverPage({ key: String(hook.signingKey), log })
  // The first process of a container gets no signal that it does not ask for.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0))
  server.listen(Number(values.port), () =>
    log(`The page of received webhooks is at port ${values.port}`),
  )
}

if (import.meta.main) await main()
