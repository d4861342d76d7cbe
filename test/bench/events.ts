/** The events of the benchmarks. */

const bodyBytes = 600

/**
 * Which events hook `n` of many gets, each of them by itself: hooks are dealt to the tenants in turn, and those of a tenant
 * have an event each.
 */
export function addressOf(n: number, tenants: number) {
  return { tenant: `tenant${n % tenants}`, event: `Event.N${Math.floor(n / tenants)}` }
}

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
