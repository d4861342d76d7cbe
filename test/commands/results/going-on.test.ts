import { expect, it } from 'vitest'
import { GoingOn } from '../../../src/commands/results/going-on.ts'

const ofOneEvent = { oneOf: [['eventId', new Set(['e-1'])]] as const }

it('deliveries go on whose newest result is not the last of its run', () => {
  const goingOn = new GoingOn(ofOneEvent)
  goingOn.add({ deliveryId: 'one', run: 'r', final: false })
  goingOn.add({ deliveryId: 'two', run: 'r', final: false })
  goingOn.add({ deliveryId: 'one', run: 'r', final: true })
  goingOn.add({ deliveryId: 'three', run: 'r', final: true })
  expect([...goingOn.deliveries()]).toEqual(['two'])
})

it('nothing is remembered for who asks about neither an event nor a delivery', () => {
  const goingOn = new GoingOn({ oneOf: [['hookId', new Set(['a'])]] })
  goingOn.add({ deliveryId: 'one', run: 'r', final: false })
  expect(goingOn.deliveries().size).toBe(0)
})

it('no more than a hundred runs are remembered', () => {
  const goingOn = new GoingOn(ofOneEvent)
  for (let index = 0; index < 1_000; index += 1) {
    goingOn.add({ deliveryId: `d${index}`, run: 'r', final: false })
  }
  expect(goingOn.deliveries().size).toBe(100)
})
