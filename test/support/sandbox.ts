import { inject, type ProvidedContext } from 'vitest'
import type {} from './sandbox-setup.ts'

/** The broker and the registry that all tests of a run share. Use names of your own on them: `names.ts`. */
export function surroundings(): ProvidedContext['surroundings'] {
  return inject('surroundings')
}
