import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { mutations } from './mutations.ts'

describe('the text that a break of the product changes', () => {
  it.each(mutations.map(({ name, changes }) => [name, changes] as const))(
    'is found once: %s',
    (_, changes) => {
      for (const { file, from } of changes) {
        const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
        expect(source.split(from), from).toHaveLength(2)
      }
    },
  )
})
