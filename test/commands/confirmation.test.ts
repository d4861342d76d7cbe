import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { confirmationFor } from '../../src/commands/confirmation.ts'
import { askOn } from '../../src/commands/input/terminal.ts'
import { InterruptedError } from '../../src/core/model/errors.ts'

const options = { yes: undefined }

describe('what asks before it acts', () => {
  it('does not ask where --yes is given', async () => {
    for (const ask of [() => Promise.resolve(false), undefined]) {
      const confirm = confirmationFor({ options: { yes: true }, ask }, 'Nothing was done.')
      await expect(confirm('Do it?')).resolves.toBeUndefined()
    }
  })

  it('is refused at once, as wrong use, where nobody can be asked', () => {
    const confirm = () => confirmationFor({ options, ask: undefined }, 'Nothing was done.')
    expect(confirm).toThrow(
      expect.objectContaining({
        message: 'There is no terminal to ask on: give --yes to go on. Nothing was done.',
        exitCode: 2,
      }),
    )
  })

  it('goes on where the answer is yes, and ends where it is no', async () => {
    const asked: string[] = []
    const answering = (answer: boolean) =>
      confirmationFor(
        { options, ask: (question) => Promise.resolve(asked.push(question)).then(() => answer) },
        'Nothing was done.',
      )
    await answering(true)('Do it?')
    await expect(answering(false)('Do it now?')).rejects.toMatchObject({
      message: 'Nothing was done.',
      exitCode: 1,
    })
    expect(asked).toEqual(['Do it?', 'Do it now?'])
  })
})

describe('a question on a terminal', () => {
  function terminal() {
    const [input, output, ending] = [new PassThrough(), new PassThrough(), new AbortController()]
    return { input, output, ending, ask: askOn(input, output, ending.signal) }
  }

  it.each([
    ['y\n', true],
    [' YES \n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('is answered by a line: %j', async (typed, isYes) => {
    const { input, ask } = terminal()
    const answer = ask('Delete a?')
    input.end(typed)
    expect(await answer).toBe(isYes)
  })

  it('shows what it is about without what a terminal would obey', async () => {
    const { input, output, ask } = terminal()
    const answer = ask('Delete a\u001b[2J?')
    input.end('y\n')
    await answer
    output.end()
    expect(await text(output)).toBe('Delete a\\u001b[2J? [y/N] ')
  })

  it('ends with the command that is asked to end', async () => {
    const { ending, ask } = terminal()
    const answer = ask('Delete a?')
    ending.abort()
    await expect(answer).rejects.toBeInstanceOf(InterruptedError)
  })
})
