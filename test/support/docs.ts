/** The project's documents: README and everything under docs. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Document {
  /** From the checkout's root. */
  readonly path: string
  readonly text: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** README first. */
export function documents(): readonly Document[] {
  const paths = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'examples/README.md',
    ...globSync('docs/**/*.md', { cwd: root }),
  ]
  return paths.map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }))
}

/** @throws {Error} when there is no such document */
export function documentText(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8')
}
