/** What the rooms of `src/core` may use of each other, and which of them could be packages. */
import { globSync, readFileSync } from 'node:fs'
import { join, normalize, dirname } from 'node:path'
import { describe, expect, it } from 'vitest'

const project = new URL('../../', import.meta.url).pathname
const core = join(project, 'src/core/')

/** Each room with those that it uses. A room stands below all that use it. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  model: [],
  collections: [],
  offsets: [],
  text: ['model'],
  oauth: ['model', 'text'],
  filter: ['text'],
  avro: ['text'],
  health: ['model', 'text'],
  signal: ['filter', 'model'],
  event: ['avro', 'model', 'text'],
  hook: ['event', 'filter', 'model', 'oauth', 'text'],
  run: ['event', 'hook', 'model', 'signal', 'text'],
  ingest: ['event', 'hook', 'model', 'text'],
  notice: ['event', 'health', 'model', 'run', 'signal', 'text'],
  lane: ['collections', 'health', 'model', 'run'],
  answers: ['filter', 'hook', 'model'],
}

/** Rooms that could be packages, each with its door. */
const packages: Readonly<Record<string, string>> = { avro: 'avro.ts', filter: 'filter.ts' }
/** What they may use beside their own files: text, whatever it is about. */
const general = ['text/calendar.ts', 'text/json.ts']

/** Files with the files that they import, by their paths from `folder`. */
function importsOf(folder: string, pattern: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    globSync(pattern, { cwd: folder }).map((file) => {
      const text = readFileSync(join(folder, file), 'utf8')
      const paths = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) =>
        normalize(join(dirname(file), path)),
      )
      return [file, paths]
    }),
  )
}

const importsOfCore = () => importsOf(core, '**/*.ts')

const product = /\w*(?:hook|tenant|endpoint|deliver|kafka|logto|topic|events?\b)\w*/gi

const roomOf = (file: string) => file.split('/')[0] ?? ''

it('the folders of core import each other only as the table allows', () => {
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

it('every file of core is in a folder', () => {
  const known = new Set(Object.keys(rooms))
  expect([...importsOfCore().keys()].filter((file) => !known.has(roomOf(file)))).toEqual([])
})

it('no two folders of core import each other, even through others', () => {
  const below = new Set<string>()
  for (const [room, others] of Object.entries(rooms)) {
    expect(
      others.filter((other) => !below.has(other)),
      room,
    ).toEqual([])
    below.add(room)
  }
})

describe.each(Object.entries(packages))('the room %s could be a package', (room, door) => {
  it('others import its door alone', () => {
    const inside = `src/core/${room}/`
    const others = [...importsOf(project, '{src,test}/**/*.ts')]
      .filter(([file]) => !file.startsWith(inside))
      .flatMap(([file, paths]) => paths.map((path) => ({ file, path })))
      .filter(({ path }) => path.startsWith(inside) && path !== inside + door)
    expect(others).toEqual([])
  })

  it('its files import each other, and files about text that import nothing', () => {
    const imports = importsOfCore()
    const outside = [...imports]
      .filter(([file]) => roomOf(file) === room)
      .flatMap(([, paths]) => paths)
      .filter((path) => roomOf(path) !== room)
    expect(outside.filter((path) => !general.includes(path))).toEqual([])
    expect(general.flatMap((path) => imports.get(path))).toEqual([])
  })

  it('its code names nothing of the product', () => {
    const named = globSync(`${room}/*.ts`, { cwd: core }).flatMap((file) =>
      [...readFileSync(join(core, file), 'utf8').matchAll(product)].map(([word]) => ({
        file,
        word,
      })),
    )
    expect(named).toEqual([])
  })
})
