/** Writes the table of `docs/configuration.md` from the one in `src/settings/table.ts`: `node test/support/write-settings-table.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { settingRows } from '../../src/settings/table.ts'

const path = new URL('../../docs/configuration.md', import.meta.url)
const head = '| variable | default | meaning |\n|---|---|---|\n'

/** One line per setting. */
export function settingsTable(): string {
  return settingRows()
    .map(({ variable, default: fallback, description }) => {
      const shown = fallback === '' ? '' : `\`${fallback}\``
      return `| \`${variable}\` | ${shown} | ${description} |`
    })
    .join('\n')
}

if (import.meta.main) {
  const text = readFileSync(path, 'utf8')
  const start = text.indexOf(head) + head.length
  const end = text.indexOf('\n\n', start)
  writeFileSync(path, text.slice(0, start) + settingsTable() + text.slice(end))
}
