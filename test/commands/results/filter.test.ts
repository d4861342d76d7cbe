import { describe, expect, it } from 'vitest'
import {
  filterOf,
  isEverything,
  isWanted,
  type ResultFilter,
} from '../../../src/commands/results/filter.ts'
import { parseArguments } from '../../../src/commands/arguments.ts'
import { resultsCommand } from '../../../src/commands/results/results.ts'
import { UserError } from '../../../src/core/model/errors.ts'
import { endWith, failureWith, resultWith } from '../../support/results.ts'

const delivered = resultWith({ hookId: 'a', userId: 'u1', eventId: 'one,two' })
const failed = failureWith({ hookId: 'b', tenantId: 'acme', userId: 'u2' })
const timedOut = failureWith({
  hookId: 'b',
  errorClass: 'timeout',
  statusCode: null,
  blame: 'network',
})
const dead = endWith({ hookId: 'c', eventKey: 'User.Created' })
const all = { delivered, failed, timedOut, dead }

type Given = Readonly<Record<string, string | boolean>>

function filterBy(given: Given): ResultFilter {
  const words = Object.entries(given).map(([name, value]) =>
    value === true ? `--${name}` : `--${name}=${value}`,
  )
  const parsed = parseArguments(resultsCommand, words)
  if (parsed.kind === 'help') throw new Error('help was asked for')
  return filterOf(parsed)
}

function wanted(given: Given): readonly string[] {
  const filter = filterBy(given)
  return Object.entries(all).flatMap(([name, result]) => (isWanted(result, filter) ? [name] : []))
}

describe('results are let through', () => {
  it.each([
    [{}, ['delivered', 'failed', 'timedOut', 'dead']],
    [{ hook: 'a,c' }, ['delivered', 'dead']],
    [{ tenant: 'acme' }, ['failed']],
    [{ user: 'u2' }, ['failed']],
    [{ 'event-id': 'one,two' }, ['delivered']],
    [{ event: 'User.Created,PostRegister' }, ['dead']],
    [{ outcome: 'retrying,dead' }, ['failed', 'timedOut', 'dead']],
    [{ reason: 'endpoint-disabled' }, ['dead']],
    [{ status: '5xx' }, ['failed']],
    [{ status: '200,404' }, ['delivered']],
    [{ blame: 'network,hooktide' }, ['timedOut']],
    [{ final: true }, ['delivered', 'dead']],
    [{ hook: 'b', status: '503' }, ['failed']],
  ])('by %j', (options, expected) => {
    expect(wanted(options)).toEqual(expected)
    expect(isEverything(filterBy(options))).toBe(Object.keys(options).length === 0)
  })

  it.each([
    [{ outcome: 'failed' }, /^--outcome must be one of delivered, .*, not "failed"\.$/],
    [{ reason: 'gone,away' }, /^--reason must be one of .*, not "away"\.$/],
    [{ status: '600' }, /^--status must be a status code such as 404, or 5xx \(separate several/],
    [{ blame: 'me' }, /^--blame must be one of endpoint, network, owner, hooktide/],
    [{ delivery: 'dlv_1' }, /--delivery must be the id of a delivery: dlv_ and 22 characters/],
    [{ event: 'sign-in' }, /^--event must be an event key such as PostSignIn/],
  ])('not by %j, which is wrong use', (options, message) => {
    expect(() => filterBy(options)).toThrow(UserError)
    expect(() => filterBy(options)).toThrow(message)
  })
})
