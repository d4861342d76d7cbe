import { describe, expect, it } from 'vitest'
import { Troubles } from '../../../src/monitor/feed/troubles.ts'

describe('why topics are not read', () => {
  it('is what a feed says, what was found out, or that no broker answers, whichever explains most', () => {
    const troubles = new Troubles(() => {})
    expect(troubles.of('results')).toBeUndefined()
    troubles.find('results', 'it is gone')
    expect([troubles.of('results'), troubles.isHidden('results')]).toEqual(['it is gone', true])
    troubles.say('results', 'no right to read it')
    expect(troubles.of('results')).toBe('no right to read it')
    expect(troubles.isHidden('results')).toBe(false)
    troubles.cluster = 'no broker answers'
    expect(troubles.of('results')).toBe('no broker answers')
    expect(troubles.of('hooks')).toBe('no broker answers')
    expect(troubles.isHidden('hooks')).toBe(true)
  })

  it('is noted when it changes, and not again when something else says the same', () => {
    const notes: string[] = []
    const troubles = new Troubles((line) => notes.push(line))
    troubles.find('results', 'it is gone')
    troubles.find('results', 'it is gone')
    expect(troubles.say('results', 'it is gone')).toBe(true)
    expect(troubles.say('results', 'it is gone')).toBe(false)
    troubles.find('results', undefined)
    expect(notes).toEqual(['results is not read: it is gone'])
    troubles.say('results', undefined)
    expect(notes[1]).toBe('results is read again')
    expect(troubles.say('results', undefined)).toBe(false)
    expect(notes).toHaveLength(2)
  })
})
