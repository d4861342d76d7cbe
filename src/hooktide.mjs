#!/usr/bin/env node
/** The command line on any Node: on one that cannot run TypeScript, it goes on with the project's own. */
import { fileURLToPath } from 'node:url'

// Host names are resolved on a pool of four threads by default: a few dead name servers would stall every connection.
process.env['UV_THREADPOOL_SIZE'] ??= '64'

// `strip` from Node 22.18 on, where types are stripped without being asked.
if (process.features.typescript) {
  await import('./cli.ts')
} else {
  const { findNode } = await import('./sandbox/own-node.mjs')
  const node = await findNode(fileURLToPath(new URL('..', import.meta.url)))
  if ('problem' in node) {
    console.error(node.problem)
    process.exitCode = 1
  } else {
    const { runChild } = await import('./sandbox/child.mjs')
    const cli = fileURLToPath(new URL('cli.ts', import.meta.url))
    const args = [cli, ...process.argv.slice(2)]
    process.exitCode = await runChild(node.program, args, { env: process.env })
  }
}
