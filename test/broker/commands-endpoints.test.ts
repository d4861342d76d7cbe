import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

let rig: BrokerRig

beforeAll(async () => {
  rig = await createBrokerRig({ brokers: surroundings().brokers })
  await rig.putHooks({ id: 'a' }, { id: 'b', tenantId: 'other' }, { id: 'broken', config: 7 })
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

const command = (...words: readonly string[]) => hooktide(['endpoints', ...words], rig.environment)

describe('endpoints', () => {
  it('are healthy until a record says otherwise', async () => {
    const [listed, all] = await Promise.all([command('list'), command('list', '--all')])
    const { code, stdout, stderr } = listed
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: 'All endpoints are healthy.\n',
    })
    expect(all.stdout).toMatch(/^a +default +healthy/m)
    expect(all.stdout).toMatch(/^broken .*\(suspended\)$/m)
  })

  it('are disabled and enabled by command, several at once', async () => {
    const off = await command('disable', 'a', 'b')
    expect(off.stdout).toBe('a is disabled, was healthy\nb is disabled, was healthy\n')
    expect((await command('disable', 'a')).stdout).toBe('a is disabled\n')
    const listed = await command('list', '--state', 'disabled', '--tenant', 'other', '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject({
      hookId: 'b',
      tenantId: 'other',
      state: 'disabled',
      reason: 'operator',
      enableEpoch: 0,
    })
    const on = await command('enable', 'a', '--json')
    expect(JSON.parse(on.stdout)).toMatchObject({ hookId: 'a', state: 'healthy', enableEpoch: 1 })
    expect(on.stderr).toContain(
      'hooktide replay --failed-only --reason endpoint-disabled,gone --hook a',
    )
    expect((await command('list')).stdout).toMatch(/^b +other +disabled +operator/m)
  })

  it('begin anew with another URL, and can be disabled again though no processor has seen it', async () => {
    await rig.putHooks({ id: 'moved' })
    await command('disable', 'moved')
    await rig.putHooks({ id: 'moved', config: { url: `${rig.urlOf('moved')}/elsewhere` } })
    const state = async () =>
      (await command('list', '--all')).stdout.match(/^moved +\w+ +\w+/m)?.[0]
    expect(await state()).toMatch(/healthy$/)
    const off = await command('disable', 'moved')
    expect(off.stdout).toBe('moved is disabled, was healthy\n')
    expect(await state()).toMatch(/disabled$/)
  })

  it('that have a decision undone by the new URL of their hook are named when it is written', async () => {
    const url = 'https://192.0.2.1/one'
    const put = (changes: object) => {
      const hook = { id: 'off', events: ['PostSignIn'], config: { url }, ...changes }
      return hooktide(['hooks', 'put', '-f', '-'], rig.environment, JSON.stringify(hook))
    }
    await put({})
    await command('disable', 'off')
    expect((await put({ name: 'same URL' })).stderr).not.toContain('disabled')
    const moved = await put({ config: { url: 'https://192.0.2.1/two' } })
    expect(moved.code).toBe(0)
    expect(moved.stderr).toContain(
      'warning: the endpoint is disabled (operator), and enabled again by the new URL: "hooktide endpoints disable off" disables it',
    )
    expect((await put({ config: { url } })).stderr).not.toContain('disabled (')
  })

  it('that do not exist, or belong to a suspended hook, are refused, and nothing is changed', async () => {
    const [unknown, suspended, noState] = await Promise.all([
      command('disable', 'a', 'nobody', 'noone'),
      command('enable', 'broken'),
      command('list', '--state', 'asleep'),
    ])
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(unknown.stderr).toContain('There are no hooks nobody, noone. Nothing was changed.')
    expect(suspended).toMatchObject({ code: 1, stdout: '' })
    expect(suspended.stderr).toContain('Hook broken is suspended')
    expect(noState.code).toBe(2)
  })
})
