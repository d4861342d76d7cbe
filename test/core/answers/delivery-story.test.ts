import { describe, expect, it } from 'vitest'
import { DeliveryStory } from '../../../src/core/answers/delivery-story.ts'
import type { DeliveryResult } from '../../../src/core/model/records.ts'
import { failureWith, resultAt, resultWith } from '../../support/results.ts'

function storyOf(...results: readonly DeliveryResult[]): DeliveryStory {
  const story = new DeliveryStory(resultWith({}))
  for (const result of results) story.add(result)
  return story
}

describe('the story of a delivery', () => {
  it('is open until its newest run ends', () => {
    expect(storyOf(failureWith({})).newest?.state).toMatchObject({
      ...{ kind: 'open', dueAt: resultAt + 60_000 },
    })
    const ended = storyOf(failureWith({}), resultWith({ attempt: 2 }))
    expect(ended.newest?.state).toMatchObject({ kind: 'ended', last: { attempt: 2 } })
  })

  it('ends with the first end of a run: what comes behind it was repeated by a crash', () => {
    const dead = resultWith({ outcome: 'dead', reason: 'exhausted', attempt: 10 })
    const story = storyOf(dead, failureWith({ attempt: 9 }), resultWith({ attempt: 10 }))
    expect(story.newest?.state).toMatchObject({ kind: 'ended', last: { outcome: 'dead' } })
    expect(story.newest?.results).toHaveLength(3)
  })

  it('tells runs apart', () => {
    const story = storyOf(
      resultWith({}),
      failureWith({ run: 'auth.webhook.requests/0/1', trigger: 'replay' }),
    )
    expect(story.runs.map(({ trigger }) => trigger)).toEqual(['event', 'replay'])
    expect(story.newest?.state.kind).toBe('open')
  })

  it('keeps the first and the newest of more than can be told', () => {
    const attempts = Array.from({ length: 100 }, (_, index) => failureWith({ attempt: index + 1 }))
    const [run] = storyOf(...attempts).runs
    expect(run?.results.map(({ attempt }) => attempt).slice(0, 3)).toEqual([1, 62, 63])
    expect(run?.leftOut).toBe(60)
    const runs = Array.from({ length: 50 }, (_, index) => resultWith({ run: `t/0/${index}` }))
    const story = storyOf(...runs)
    expect(story.runs.map(({ run: name }) => name).slice(0, 2)).toEqual(['t/0/0', 't/0/31'])
    expect({ kept: story.runs.length, leftOut: story.leftOut }).toEqual({ kept: 20, leftOut: 30 })
  })
})
