/** Asks a token endpoint that the operator has set. No proxy, no redirect, no connection is kept: tokens last. */
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
 * Rejects where no answer comes in time, or one that is too long.
 *
 * @param ca PEM of the CAs to trust; those that Node trusts by default
 * @param timeoutMs from the question to the end of the answer
 */
export async function askTokenEndpoint(
  credentials: ClientCredentials,
  ca: string | undefined,
  timeoutMs = defaultTimeoutMs,
): Promise<TokenAnswer> {
  const askedAt = performance.now()
  const dispatcher = new Agent({
    // Said, so that no variable of the environment can say otherwise.
    connect: { rejectUnauthorized: true, timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) },
  })
  try {
    const { statusCode, body } = await request(credentials.tokenUrl, {
      ...tokenRequest(credentials),
      method: 'POST',
      dispatcher,
      signal: AbortSignal.timeout(timeoutMs),
    })
    return readTokenAnswer(statusCode, await boundedText(body), askedAt)
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
