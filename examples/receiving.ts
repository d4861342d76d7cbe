/** What every receiver does: check who calls, answer at once, and do nothing twice. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** The fields that these examples read. Only `event` and `createdAt` are in every payload. */
export interface Payload {
  readonly event: string
  readonly createdAt: string
  readonly userAgent?: string
  readonly userIp?: string
  readonly user?: {
    readonly id: string
    readonly name: string | null
    readonly primaryEmail: string | null
  } | null
}

/** Bodies of Logto's events are far smaller. In bytes. */
const maxBody = 1024 * 1024

/**
 * Listens, and hands over each payload whose signature holds.
 *
 * @param handle may fail: the call is answered by then, and does not come again
 */
export function receive(
  options: { readonly signingKey: string; readonly port: number },
  handle: (payload: Payload) => Promise<void>,
): Server {
  const { signingKey, port } = options
  if (signingKey === '') throw new Error("Set SIGNING_KEY to the hook's signing key.")
  /** Stands for a table whose key is `webhook-id`. */
  const seen = new Set<string>()
  const server = createServer((request, response) => {
    statusOf(request).then(
      (status) => response.writeHead(status).end(),
      () => response.destroy(), // the caller went away before the body was whole, or it is no JSON
    )
  })

  async function statusOf(request: IncomingMessage): Promise<number> {
    if (Number(request.headers['content-length'] ?? 0) > maxBody) return 413
    const body = await buffer(request)
    const signature = String(request.headers['logto-signature-sha-256'] ?? '')
    if (!isSigned(body, signature, signingKey)) return 401
    // Logto itself sends no id. Then the bytes are what tells one call from another.
    const id = String(request.headers['webhook-id'] ?? signature)
    if (seen.has(id)) return 204
    const payload = JSON.parse(body.toString()) as Payload
    seen.add(id)
    handle(payload).catch((error: unknown) => console.error(`${id} could not be handled:`, error))
    return 204
  }

  return server.listen(port, () => console.log(`listening on port ${port}`))
}

/** Over the bytes as they came, in constant time. */
function isSigned(body: Buffer, signature: string, signingKey: string): boolean {
  const expected = createHmac('sha256', signingKey).update(body).digest()
  const given = Buffer.from(signature, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
