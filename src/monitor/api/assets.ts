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
  const html = files.get('index.html')?.bytes.toString() ?? ''
  files.delete('index.html')
  // Modules name each other by relative paths: the folder's name says which content all of them have.
  const tags = [...files].map(([name, { tag }]) => `${name} ${tag}`)
  const folder = `${hash('sha256', tags.join('\n'), 'hex').slice(0, 16)}/`
  const root = `/assets/${folder}`
  const imports = Object.keys(libraries).map((name) => [name, root + fileOf(name)] as const)
  const importMap = JSON.stringify({ imports: Object.fromEntries(imports) })
  // Asked for at once, instead of one after the other as each is found to need the next.
  const modules = [...files.keys()].filter((name) => name.endsWith('.js'))
  const preloads = modules.map((name) => `<link rel="modulepreload" href="${root}${name}" />`)
  const head = [`<script type="importmap">${importMap}</script>`, ...preloads].join('\n    ')
  return {
    find(path) {
      const isFixed = path.startsWith(folder)
      const asset = files.get(isFixed ? path.slice(folder.length) : path)
      return asset === undefined ? undefined : { ...asset, isFixed }
    },
    page: assetOf(
      '.html',
      Buffer.from(html.replaceAll('"/assets/', `"${root}`).replace('<!-- import map -->', head)),
    ),
    policy: policyWith(importMap),
  }
}

function assetOf(extension: string, bytes: Buffer): Asset {
  const tag = `"${hash('sha256', bytes, 'base64url')}"`
  return { type: types[extension] ?? '', bytes, tag, isFixed: false }
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
