/** Requests a token from an endpoint that the operator has set: without a proxy, redirects or kept connections. */
import { Agent, request } from 'undici'
import type { ClientCredentials } from '../../core/model/model.ts'
import {
  maxTokenAnswerBytes,
  readTokenAnswer,
  tokenRequest,
  type TokenAnswer,
} from '../../core/oauth/token-request.ts'

const defaultTimeoutMs = 5_000

/**
 * Rejects if there is no answer in time, or if it is too long.
 *
 * @param ca PEM with the CAs to trust. `undefined`: the CAs that Node trusts
 * @param timeoutMs from the request to the end of the answer
 */
export async function askTokenEndpoint(
  credentials: ClientCredentials,
  ca: string | undefined,
  timeoutMs = defaultTimeoutMs,
): Promise<TokenAnswer> {
  const askedAt = performance.now()
  const dispatcher = new Agent({
    // Overrides NODE_TLS_REJECT_UNAUTHORIZED.
    connect: { rejectUnauthorized: true, timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) },
  })
  try {
    const { statusCode, body } = await request(credentials.tokenUrl, {
      ...tokenRequest(credentials),
      method: 'POST',
      dispatcher,
      signal: AbortSignal.timeout(timeoutMs),
    })
    const answer = { status: statusCode, text: await boundedText(body) }
    return readTokenAnswer(answer, askedAt, credentials)
  } finally {
    await dispatcher.destroy()
  }
}

async function boundedText(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body) {
    length += piece.length
    if (length > maxTokenAnswerBytes) throw new Error(`more than ${maxTokenAnswerBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}
