/** Filters do what the conformance tests of the CEL specification expect, as far as docs/hooks.md offers CEL. */
import { describe, expect, it } from 'vitest'
import { documentText } from '../../support/docs.ts'
import { celCases, deviationOf, outcomeOf } from '../../support/cel-cases.ts'
import { entryOf, notClaimed, reasons, type NotClaimed } from './not-claimed.ts'

const cases = celCases()
const claimed = cases.filter((celCase) => entryOf(celCase) === undefined)

/** How many cases of each file must pass, and how many are not claimed. */
const counts: Readonly<Record<string, readonly [passed: number, notClaimed: number]>> = {
  basic: [40, 3],
  bindings_ext: [0, 5],
  block_ext: [0, 37],
  comparisons: [329, 77],
  conversions: [109, 0],
  dynamic: [0, 226],
  encoders_ext: [0, 4],
  enums: [0, 85],
  fields: [49, 11],
  fp_math: [30, 0],
  integer_math: [64, 0],
  lists: [39, 0],
  logic: [26, 4],
  macros: [44, 0],
  macros2: [0, 46],
  math_ext: [0, 199],
  namespace: [0, 3],
  optionals: [0, 70],
  parse: [168, 51],
  plumbing: [5, 0],
  proto2: [0, 108],
  proto2_ext: [0, 18],
  proto3: [0, 75],
  string: [51, 0],
  string_ext: [6, 203],
  timestamps: [64, 12],
  type_deductions: [12, 35],
  wrappers: [0, 36],
}

describe('the conformance tests of CEL', () => {
  it.each(Object.keys(counts))('pass in %s, but for those that are not claimed', (file) => {
    const ofFile = cases.filter((celCase) => celCase.file === file)
    const deviations = claimed
      .filter((celCase) => celCase.file === file)
      .map((celCase) => [`${celCase.section}/${celCase.name}`, deviationOf(celCase)])
      .filter(([, deviation]) => deviation !== undefined)
    expect(Object.fromEntries(deviations)).toEqual({})
    const passed = ofFile.filter((celCase) => entryOf(celCase) === undefined).length
    expect([passed, ofFile.length - passed]).toEqual(counts[file])
  })

  it('are all counted', () => {
    const inFile = Object.values(counts).map(([passed, others]) => passed + others)
    expect(inFile.reduce((sum, count) => sum + count, 0)).toBe(cases.length)
  })

  it('are as many as the documents say', () => {
    expect(documentText('docs/hooks.md')).toContain(
      `All ${claimed.length.toLocaleString('en')} of CEL's`,
    )
  })

  it('that are not claimed are refused when they are read, where they can be read', () => {
    const others = cases.filter((celCase) => entryOf(celCase) !== undefined)
    const accepted = others.filter(
      (celCase) => !['refused', 'not-posed'].includes(outcomeOf(celCase).kind),
    )
    expect(accepted.map(({ file, section, name }) => `${file}/${section}/${name}`)).toEqual([])
  })

  it('have a case for each that is listed as not claimed', () => {
    const found = new Set<NotClaimed | undefined>(cases.map(entryOf))
    expect(notClaimed.filter((entry) => !found.has(entry))).toEqual([])
    const used = new Set<string>(notClaimed.map(({ reason }) => reason))
    expect(Object.keys(reasons).filter((reason) => !used.has(reason))).toEqual([])
  })
})
