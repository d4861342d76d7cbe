/** The limit of open files and sockets of this process. */
import { isJsonObject } from '../core/text/json-text.ts'

/** The limit of the system (`ulimit -n`) at the time of the call. `undefined` if there is none, as on Windows. */
export function openFilesLimit(): number | undefined {
  // Otherwise the report would look up the host names of all peers.
  const report = Object.assign(process.report, { excludeNetwork: true })
  const { userLimits }: { readonly userLimits?: unknown } = report.getReport()
  const files = isJsonObject(userLimits) ? userLimits['open_files'] : undefined
  // At its start, Node raises the soft limit to the hard limit.
  const limit = isJsonObject(files) ? files['soft'] : undefined
  const count = typeof limit === 'string' ? Number(limit) : limit
  return typeof count === 'number' && Number.isSafeInteger(count) ? count : undefined
}
