import { describe, expect, it } from 'vitest'
import { wrongPackage } from '../../scripts/installation.mjs'

const binding = { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'], libc: ['glibc'] }
const locked = {
  '': { version: '0.1.0' },
  'node_modules/kafkajs': { version: '2.2.4' },
  'node_modules/binding-linux': binding,
  'node_modules/binding-darwin': { ...binding, os: ['darwin'] },
  'node_modules/binding-musl': { ...binding, libc: ['musl'] },
  'node_modules/needed-by-another-platform': { version: '1.0.0', optional: true },
}
const whole = {
  locked,
  installed: {
    'node_modules/kafkajs': { version: '2.2.4' },
    'node_modules/binding-linux': binding,
  },
  isThere: () => true,
  platform: { os: 'linux', cpu: 'x64', libc: 'glibc' },
  isBestPossible: false,
}

describe('whether node_modules is what the lock file says', () => {
  it('a tree without the optional packages of other platforms is whole', () => {
    expect(wrongPackage(whole)).toBeUndefined()
  })

  it('a package of another version is wrong', () => {
    const installed = { ...whole.installed, 'node_modules/kafkajs': { version: '2.2.3' } }
    expect(wrongPackage({ ...whole, installed })).toBe('node_modules/kafkajs')
  })

  it('a package that was not installed is wrong', () => {
    const installed = { 'node_modules/binding-linux': binding }
    expect(wrongPackage({ ...whole, installed })).toBe('node_modules/kafkajs')
  })

  it('a package whose folder was removed afterwards is wrong', () => {
    const isThere = (path: string) => path !== 'node_modules/kafkajs'
    expect(wrongPackage({ ...whole, isThere })).toBe('node_modules/kafkajs')
  })

  it('a tree that was brought from another platform is wrong, unless installing could not mend it', () => {
    const installed = {
      'node_modules/kafkajs': { version: '2.2.4' },
      'node_modules/binding-darwin': binding,
    }
    expect(wrongPackage({ ...whole, installed })).toBe('node_modules/binding-linux')
    expect(wrongPackage({ ...whole, installed, isBestPossible: true })).toBeUndefined()
  })
})
