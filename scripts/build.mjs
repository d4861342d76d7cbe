/** `npm run build`: JavaScript for the package and the image, since Node strips no types inside node_modules. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from './child.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

// What was compiled from a file that is gone since must not be packed.
rmSync(join(root, 'dist'), { recursive: true, force: true })
const compiler = join(root, 'node_modules/typescript/bin/tsc')
process.exitCode = await runChild(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  env: process.env,
})
