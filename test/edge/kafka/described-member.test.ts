import { kafkajs } from '../../../src/edge/kafka/kafkajs.ts'
import { describe, expect, it } from 'vitest'
import { createAssigner, readDescribedMember } from '../../../src/edge/kafka/assigner.ts'

const { AssignerProtocol } = kafkajs
const identity = { instance: 'pod-1', version: '0.2.0' }

function metadataOf(who: typeof identity | undefined): Buffer {
  const claim = { owned: [{ topic: 'e', partition: 3 }], generation: 7 }
  const create = createAssigner(
    () => claim,
    () => undefined,
    who,
  )
  // What it assigns with is not asked for.
  return create({ cluster: {} } as never).protocol({ topics: ['e'] }).metadata
}

describe('a member of a group, as it is described', () => {
  const assignment = AssignerProtocol.MemberAssignment.encode({
    version: 0,
    assignment: { e: [0, 2], f: [1] },
    userData: Buffer.alloc(0),
  })

  it('has said which process it is, and has its partitions', () => {
    expect(readDescribedMember(metadataOf(identity), assignment)).toEqual({
      identity,
      partitions: [
        { topic: 'e', partition: 0 },
        { topic: 'e', partition: 2 },
        { topic: 'f', partition: 1 },
      ],
    })
  })

  it('of a version that does not say it, or of another program, has none', () => {
    expect(readDescribedMember(metadataOf(undefined), Buffer.alloc(0))).toEqual({
      identity: undefined,
      partitions: [],
    })
    const junk = Buffer.from('junk of another program')
    expect(readDescribedMember(junk, junk)).toEqual({ identity: undefined, partitions: [] })
  })
})
