#!/usr/bin/env node
/**
 * The command line: the source in a checkout, the compiled program in a package or an image. It says so where Node is too
 * old for either.
 */
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Names of brokers and of the registry are resolved on a pool that has four threads by default, of which lookups get half:
// with two names that hang, no other would be resolved. Endpoints' names need no threads (edge/names).
process.env['UV_THREADPOOL_SIZE'] ??= '64'

const isCheckout = existsSync(new URL('cli.ts', import.meta.url))

if (isNodeTooOld()) {
  const advice = isCheckout
    ? ' In a checkout "npm ci" brings Node 24, and "npx --no hooktide" or "node_modules/.bin/node src/hooktide.mjs" uses it.'
    : ''
  console.error(`hooktide needs Node 22.19 or newer; this is ${process.version}.${advice}`)
  process.exitCode = 1
} else if (isCheckout) {
  // To strip the types of all files takes longer than most commands do: what comes of it is kept.
  const cache = new URL('../node_modules/.cache/hooktide', import.meta.url)
  module.enableCompileCache(fileURLToPath(cache))
  await import('./cli.ts')
} else {
  await import(new URL('../dist/cli.js', import.meta.url).href)
}

/** What hooktide uses of Node came with the last of these: see `engines` in package.json. */
function isNodeTooOld() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major < 22 || (major === 22 && minor < 19)
}
