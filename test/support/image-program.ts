/** hooktide as its image starts it: with the options of Node that are in the Dockerfile. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from './hooktide-process.ts'
import { checkoutFolder } from './npm.ts'

/** Where the image has what a checkout has. */
const folderOfImage = '/app/'

/** @throws {Error} when the Dockerfile's last entrypoint is not Node with a script of hooktide */
export function imageProgram(): Program {
  const dockerfile = readFileSync(join(checkoutFolder, 'Dockerfile'), 'utf8')
  const [, entrypoint] = Array.from(dockerfile.matchAll(/^ENTRYPOINT (\[.*\])$/gm)).at(-1) ?? []
  const words: readonly string[] = JSON.parse(entrypoint ?? '[]')
  const [node, ...options] = words.slice(0, -1)
  const script = words.at(-1) ?? ''
  if (node !== 'node' || !script.startsWith(folderOfImage)) {
    throw new Error(`the Dockerfile ends with an entrypoint that is no script: ${entrypoint}`)
  }
  const path = join(checkoutFolder, script.slice(folderOfImage.length))
  return { node: process.execPath, options, script: path }
}
