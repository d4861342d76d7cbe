/** Tells a hook's owner at once what the destination guard would only say when the hook is called. */
import type { Settings } from '../../settings/settings.ts'
import { judgeAddress, judgeUrlLiteral, parseCidr, type Cidr } from '../../edge/http/destination.ts'
import type { LookupResult } from '../../edge/names/lookup.ts'
import { createNames } from '../../edge/names/names.ts'
import { systemClock } from '../../edge/system-clock.ts'
import { within } from '../../edge/waiting.ts'

type GuardSettings = Pick<Settings, 'allowHttp' | 'allowCidrs' | 'egressProxy' | 'nameServers'>

const lookupMs = 2_000

/**
 * Why calls to the URL would be refused with these settings, or `undefined`. Names are resolved here, which need not be
 * what the processors' hosts see: it is a warning, never a refusal.
 */
export async function destinationWarning(
  url: string,
  settings: GuardSettings,
): Promise<string | undefined> {
  if (URL.parse(url)?.protocol === 'http:' && !settings.allowHttp) {
    return 'config.url is plain http, which is refused unless HOOKTIDE_ALLOW_HTTP is true'
  }
  const allowed = settings.allowCidrs.flatMap(cidrOf)
  const verdict = judgeUrlLiteral(url, allowed)
  if (verdict === 'never') return 'config.url leads to an address that is never called'
  if (verdict === 'refused') return `config.url leads to ${privateAddress}`
  // A proxy resolves names by itself.
  if (verdict !== 'name' || settings.egressProxy !== undefined) return undefined
  return await nameWarning(new URL(url).hostname, allowed, settings.nameServers)
}

const privateAddress =
  'an address that is not public, which is refused unless HOOKTIDE_ALLOW_CIDRS has its range'

async function nameWarning(
  hostname: string,
  allowed: readonly Cidr[],
  servers: readonly string[] | undefined,
): Promise<string | undefined> {
  const names = createNames({ clock: systemClock, emit: () => undefined, servers })
  const resolving = new Promise<LookupResult>((resolve) => names.lookup(hostname, '', resolve))
  const result = await within(resolving, lookupMs, undefined)
  names.stop()
  if (result === undefined) return `${hostname} was not resolved within ${lookupMs / 1_000} s`
  if (result.kind === 'failure') return `${hostname} does not resolve here`
  const isCallable = result.addresses.some(({ address }) => judgeAddress(address, allowed) === 'ok')
  return isCallable ? undefined : `${hostname} resolves to ${privateAddress}`
}

function cidrOf(text: string): readonly Cidr[] {
  const parsed = parseCidr(text)
  return parsed.kind === 'cidr' ? [parsed.cidr] : []
}
