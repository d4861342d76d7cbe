/**
 * The files of the page: its own, and those of its libraries from where npm put them. All are read once, at start, so a
 * request reads no path of the disk.
 */
import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { Asset, Assets } from './server.ts'

const page = new URL('../page/', import.meta.url)

/** Modules of libraries, by the names that the page's modules import. */
const libraries = {
  preact: 'preact',
  'preact/hooks': 'preact/hooks',
  htm: 'htm',
  uplot: 'uplot/dist/uPlot.esm.js',
} as const
const libraryStyle = 'uplot/dist/uPlot.min.css'

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export function loadAssets(): Assets {
  const files = new Map<string, Asset>()
  for (const name of readdirSync(page)) {
    const extension = extname(name)
    if (!Object.hasOwn(types, extension)) continue
    files.set(name, assetOf(extension, readFileSync(new URL(name, page))))
  }
  for (const [name, path] of Object.entries(libraries)) {
    files.set(fileOf(name), assetOf('.js', readLibrary(path)))
  }
  files.set('uplot.css', assetOf('.css', readLibrary(libraryStyle)))
  const imports = Object.keys(libraries).map((name) => [name, `/assets/${fileOf(name)}`] as const)
  const importMap = JSON.stringify({ imports: Object.fromEntries(imports) })
  const html = files.get('index.html')?.bytes.toString() ?? ''
  files.delete('index.html')
  // Asked for at once, instead of one after the other as each is found to need the next.
  const modules = [...files.keys()].filter((name) => name.endsWith('.js'))
  const preloads = modules.map((name) => `<link rel="modulepreload" href="/assets/${name}" />`)
  const head = [`<script type="importmap">${importMap}</script>`, ...preloads].join('\n    ')
  return {
    find: (path) => files.get(path),
    page: assetOf('.html', Buffer.from(html.replace('<!-- import map -->', head))),
    policy: policyWith(importMap),
  }
}

function assetOf(extension: string, bytes: Buffer): Asset {
  return { type: types[extension] ?? '', bytes, tag: `"${hash('sha256', bytes, 'base64url')}"` }
}

function fileOf(library: string): string {
  return `library-${library.replace('/', '-')}.js`
}

function readLibrary(path: string): Buffer {
  return readFileSync(new URL(import.meta.resolve(path)))
}

/** Nothing runs but the page's own files and the map of its libraries, and text is never made into markup. */
function policyWith(importMap: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash('sha256', importMap, 'base64')}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}
