/** Overrides single modules of KafkaJS. */
import { createRequire } from 'node:module'

const requireFrom = createRequire(import.meta.url)

/** Puts another function in the place of the one that a KafkaJS module exports, for all who load it from here on. */
export function replaceExport<Exported>(
  module: string,
  replacementOf: (exported: Exported) => Exported,
): void {
  const path = requireFrom.resolve(module)
  const exported = requireFrom(path) as Exported
  const loaded = requireFrom.cache[path]
  if (loaded === undefined) {
    throw new Error('KafkaJS keeps its modules where they cannot be reached')
  }
  loaded.exports = replacementOf(exported)
}
