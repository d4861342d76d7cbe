/** What the rooms of `src/core` may use of each other. */
import { globSync, readFileSync } from 'node:fs'
import { join, normalize, dirname } from 'node:path'
import { expect, it } from 'vitest'

const core = new URL('../../src/core/', import.meta.url).pathname

/** Each room with those that it uses. A room stands below all that use it. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  model: [],
  collections: [],
  offsets: [],
  text: ['model'],
  filter: ['text'],
  avro: ['text'],
  health: ['model', 'text'],
  signal: ['filter', 'model'],
  event: ['avro', 'model', 'text'],
  hook: ['event', 'filter', 'model', 'text'],
  run: ['event', 'hook', 'model', 'text'],
  lane: ['collections', 'health', 'model', 'run'],
}

/** Files of core, by their path from there, with the files of core that they import. */
function importsOfCore(): ReadonlyMap<string, readonly string[]> {
  const files = globSync('**/*.ts', { cwd: core })
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(core, file), 'utf8')
      const paths = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) =>
        normalize(join(dirname(file), path)),
      )
      return [file, paths]
    }),
  )
}

const roomOf = (file: string) => file.split('/')[0] ?? ''

it('the rooms of core use each other as they are said to, and no more', () => {
  const used = new Map(Object.keys(rooms).map((room) => [room, new Set<string>()]))
  for (const [file, paths] of importsOfCore()) {
    for (const path of paths) {
      if (roomOf(path) !== roomOf(file)) used.get(roomOf(file))?.add(roomOf(path))
    }
  }
  expect(
    Object.fromEntries([...used].map(([room, others]) => [room, [...others].toSorted()])),
  ).toEqual(rooms)
})

it('every file of core stands in a room', () => {
  const known = new Set(Object.keys(rooms))
  expect([...importsOfCore().keys()].filter((file) => !known.has(roomOf(file)))).toEqual([])
})

it('no two rooms of core use each other, however many stand between', () => {
  const below = new Set<string>()
  for (const [room, others] of Object.entries(rooms)) {
    expect(
      others.filter((other) => !below.has(other)),
      room,
    ).toEqual([])
    below.add(room)
  }
})
