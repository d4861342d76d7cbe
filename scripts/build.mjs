/** `npm run build`: JavaScript for the package and the image, since Node strips no types inside node_modules. */
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

// What was compiled from a file that no longer exists must not be packed.
rmSync(join(root, 'dist'), { recursive: true, force: true })
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
// Modules of the page run in browsers as they are.
const page = {
  recursive: true,
  filter: (/** @type {string} */ path) => !path.endsWith('tsconfig.json'),
}
cpSync(join(root, 'src/monitor/page'), join(root, 'dist/monitor/page'), page)
process.exitCode = status ?? 1
