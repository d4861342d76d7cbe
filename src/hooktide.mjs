#!/usr/bin/env node
/**
 * The command line on any Node. A checkout has the source and, for a Node that cannot run TypeScript, one of its own; a
 * package or image has the compiled program.
 */
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Names of brokers and of the registry are resolved on a pool that has four threads by default, of which lookups get half:
// with two names that hang, no other would be resolved. Endpoints' names need no threads (edge/names).
process.env['UV_THREADPOOL_SIZE'] ??= '64'

const source = new URL('cli.ts', import.meta.url)

if (!existsSync(source)) await runCompiled()
// `strip` from Node 22.18 on, where types are stripped without being asked.
else if (process.features.typescript) await runSource()
else process.exitCode = await runOnOwnNode()

/** Stripping the types of all files takes longer than most commands do: it is done once, and kept with the packages. */
async function runSource() {
  module.enableCompileCache(
    fileURLToPath(new URL('../node_modules/.cache/hooktide', import.meta.url)),
  )
  await import('./cli.ts')
}

/** What it uses of Node came with the last of these: see `engines` in package.json. */
async function runCompiled() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 19)) {
    console.error(`hooktide needs Node 22.19 or newer; this is ${process.version}.`)
    process.exitCode = 1
    return
  }
  await import(new URL('../dist/cli.js', import.meta.url).href)
}

/** @returns {Promise<number>} its exit code */
async function runOnOwnNode() {
  const { findNode } = await import('../scripts/own-node.mjs')
  const node = await findNode(fileURLToPath(new URL('..', import.meta.url)))
  if ('problem' in node) {
    console.error(node.problem)
    return 1
  }
  const { runChild } = await import('../scripts/child.mjs')
  const args = [fileURLToPath(source), ...process.argv.slice(2)]
  return await runChild(node.program, args, { env: process.env })
}
