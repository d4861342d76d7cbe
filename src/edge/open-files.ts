/** How many files and sockets this process may have open at once. */
import { isJsonObject } from '../core/text/json-text.ts'

/** By the system's limit, `ulimit -n`, as it is at the call. `undefined` where there is none, as on Windows. */
export function openFilesLimit(): number | undefined {
  // Otherwise the names of all peers would be looked up.
  const report = Object.assign(process.report, { excludeNetwork: true })
  const { userLimits }: { readonly userLimits?: unknown } = report.getReport()
  const files = isJsonObject(userLimits) ? userLimits['open_files'] : undefined
  // Node raises the soft limit to the hard one as it starts.
  const limit = isJsonObject(files) ? files['soft'] : undefined
  const count = typeof limit === 'string' ? Number(limit) : limit
  return typeof count === 'number' && Number.isSafeInteger(count) ? count : undefined
}
