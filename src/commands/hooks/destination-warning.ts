/** Warns when a hook is written that its calls would be refused. Otherwise its owner would learn it from the first call. */
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import type { Settings } from '../../settings/settings.ts'
import { judgeAddress, judgeUrlLiteral, parseCidr, type Cidr } from '../../edge/http/destination.ts'
import type { LookupResult } from '../../edge/names/lookup.ts'
import { createNames } from '../../edge/names/names.ts'
import { systemClock } from '../../edge/system-clock.ts'
import { within } from '../../edge/waiting.ts'

type GuardSettings = Pick<Settings, 'allowHttp' | 'allowCidrs' | 'egressProxy' | 'nameServers'>

const lookupMs = 2_000

/** Hosts that are looked up in all, and at once. A file may have 10,000 hooks, and each lookup may take seconds. */
const maxHosts = 200
const lookups = 16

/** A URL that processors call for a hook. */
export interface Destination {
  /** The field of the hook that has it. */
  readonly field: 'config.url' | 'delivery.oauth.tokenUrl'
  readonly url: string
}

/** All that processors call for a hook. @param hook valid */
export function destinationsOf({ config, delivery }: JsonObject): readonly Destination[] {
  const url = isJsonObject(config) ? config['url'] : undefined
  const oauth = isJsonObject(delivery) ? delivery['oauth'] : undefined
  const tokenUrl = isJsonObject(oauth) ? oauth['tokenUrl'] : undefined
  return [
    ...(typeof url === 'string' ? [{ field: 'config.url', url } as const] : []),
    ...(typeof tokenUrl === 'string'
      ? [{ field: 'delivery.oauth.tokenUrl', url: tokenUrl } as const]
      : []),
  ]
}

/** Warnings by {@link hostOf}. */
export type HostWarnings = ReadonlyMap<string, string | undefined>

/** Which destinations have one warning: it depends on the field and on scheme, host and port. */
export function hostOf({ field, url }: Destination): string {
  return `${field} ${URL.parse(url)?.origin ?? url}`
}

/** Warnings about the first 200 hosts, each of which is looked up once. */
export async function hostWarnings(
  destinations: readonly Destination[],
  settings: GuardSettings,
): Promise<HostWarnings> {
  const byHost = new Map<string, Destination>()
  for (const one of destinations) {
    const host = hostOf(one)
    if (!byHost.has(host) && byHost.size < maxHosts) byHost.set(host, one)
  }
  const hosts = [...byHost]
  const warnings = new Map<string, string | undefined>()
  for (let start = 0; start < hosts.length; start += lookups) {
    await Promise.all(
      hosts.slice(start, start + lookups).map(async ([host, destination]) => {
        warnings.set(host, await destinationWarning(destination, settings))
      }),
    )
  }
  return warnings
}

/**
 * Why calls to the URL would be refused with these settings; `undefined` if they would not be. The name is resolved on
 * this machine, and may resolve to something else where the processors run: so this is a warning and not an error.
 */
async function destinationWarning(
  { field, url }: Destination,
  settings: GuardSettings,
): Promise<string | undefined> {
  if (URL.parse(url)?.protocol === 'http:' && !settings.allowHttp) {
    return `${field} is plain http: calls are refused unless HOOKTIDE_ALLOW_HTTP is true`
  }
  const allowed = settings.allowCidrs.flatMap(cidrOf)
  const verdict = judgeUrlLiteral(url, allowed)
  if (verdict === 'never')
    return `${field} leads to an address that cannot be allowed: it will not be called`
  if (verdict === 'refused') return `${field} leads to ${privateAddress}`
  // The egress proxy resolves names itself.
  if (verdict !== 'name' || settings.egressProxy !== undefined) return undefined
  const warning = await nameWarning(new URL(url).hostname, allowed, settings.nameServers)
  return warning && `${field}: ${warning}`
}

const privateAddress =
  'an address that is not public: calls are refused unless HOOKTIDE_ALLOW_CIDRS has its range'

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
  if (result.kind === 'failure') return `${hostname} does not resolve on this machine`
  const isCallable = result.addresses.some(({ address }) => judgeAddress(address, allowed) === 'ok')
  return isCallable ? undefined : `${hostname} resolves to ${privateAddress}`
}

function cidrOf(text: string): readonly Cidr[] {
  const parsed = parseCidr(text)
  return parsed.kind === 'cidr' ? [parsed.cidr] : []
}
