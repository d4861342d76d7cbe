import { describe, expect, it } from 'vitest'
import { hookFrom } from '../../../src/commands/hooks/create.ts'

const url = 'https://crm.example/logto'

describe('a hook that is made of options', () => {
  it('has what was given, and leaves the rest to what completes every hook', () => {
    const events = ['PostSignIn', 'User.Created', 'PostSignIn']
    expect(hookFrom({ options: { url, events } })).toEqual({
      events: ['PostSignIn', 'User.Created'],
      config: { url },
    })
    const named = { id: 'crm', name: 'CRM', tenant: 'acme' }
    expect(hookFrom({ options: { url, events: ['PostSignIn'], ...named } })).toEqual({
      id: 'crm',
      name: 'CRM',
      tenantId: 'acme',
      events: ['PostSignIn'],
      config: { url },
    })
  })

  it.each([
    [{ url }, 'Give --url, and --events'],
    [{ events: ['PostSignIn'] }, 'Give --url, and --events'],
    [{ url, events: ['sign in'] }, '--events must be an event key such as PostSignIn'],
    [{ url: 'https://me:hunter2@crm.example/', events: ['PostSignIn'] }, 'no credentials'],
    [{ url: 'https://crm.example/?token=hunter2', events: ['PostSignIn'] }, 'no query'],
  ])('is refused as wrong use, without what may be secret: %j', (options, message) => {
    const make = () => hookFrom({ options })
    expect(make).toThrow(expect.objectContaining({ exitCode: 2 }))
    expect(make).toThrow(message)
    expect(make).not.toThrow('hunter2')
  })
})
