import { expect, it } from 'vitest'
import { createTurns } from '../../../src/commands/monitor/turns.ts'

it('work for callers is done one after the other, whatever became of the one before', async () => {
  const inTurn = createTurns()
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  const works = [
    inTurn(async () => {
      await first.promise
      done.push('first')
      throw new Error('failed')
    }),
    inTurn(async () => void done.push('second')),
  ]
  await Promise.resolve()
  expect(done).toEqual([])
  first.resolve()
  expect((await Promise.allSettled(works)).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
  ])
  expect(done).toEqual(['first', 'second'])
})

it('work for too many callers is refused, and taken again when some are done', async () => {
  const inTurn = createTurns()
  const first = Promise.withResolvers<void>()
  const works = Array.from({ length: 16 }, () => inTurn(() => first.promise))
  await expect(inTurn(async () => undefined)).rejects.toMatchObject({ status: 503 })
  first.resolve()
  await Promise.all(works)
  await expect(inTurn(async () => 'done')).resolves.toBe('done')
})
