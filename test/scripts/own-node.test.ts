import { describe, expect, it } from 'vitest'
import { chooseNode } from '../../scripts/own-node.mjs'

const old = { runningVersion: 'v20.20.2', hasPackage: true, hasProgram: true }

describe('which Node runs the project', () => {
  it.each(['v24.0.0', 'v26.3.1'])(
    '%s runs it itself, whatever the package is',
    (runningVersion) => {
      const facts = { runningVersion, hasPackage: false, hasProgram: false }
      expect(chooseNode(facts)).toEqual({ use: 'running' })
    },
  )

  it('an older one hands over to the package once that has answered', () => {
    expect(chooseNode({ ...old, answer: 'v24.21.0\n' })).toEqual({ use: 'package' })
  })

  it.each([
    {
      why: 'no package',
      facts: { hasPackage: false, hasProgram: false },
      fix: 'npm ci --include=optional',
    },
    {
      why: 'install scripts off',
      facts: { hasProgram: false },
      fix: 'npm rebuild node --ignore-scripts=false',
    },
    {
      why: 'an older package',
      facts: { answer: 'v22.19.0\n' },
      fix: '"node" is v22.19.0: run "npm ci"',
    },
    {
      why: 'another platform',
      facts: { fault: 'Exec format error' },
      fix: 'does not run here (Exec format error)',
    },
  ])('$why ends in one sentence with the fix', ({ facts, fix }) => {
    const choice = chooseNode({ ...old, ...facts })
    const problem = 'problem' in choice ? choice.problem : ''
    expect(problem).toContain(fix)
    expect(problem).toMatch(
      /^hooktide needs Node 24; this is v20\.20\.2, and .*install Node 24 yourself\.$/,
    )
  })
})
