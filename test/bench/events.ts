/** The events of the benchmarks. */

const bodyBytes = 600

/**
 * JSON of 600 bytes.
 *
 * @param event.more further members, each with a comma behind it
 */
export function eventBytes({
  event = 'PostSignIn',
  more = '',
}: { readonly event?: string; readonly more?: string } = {}): Buffer {
  const head = `{"event":"${event}",${more}"createdAt":"${new Date().toISOString()}","userAgent":"`
  return Buffer.from(`${head}${'x'.repeat(bodyBytes - head.length - 2)}"}`)
}
