import { describe, expect, it } from 'vitest'
import { judgeHead, type RequestHead } from '../../../src/core/ingest/request-head.ts'

const signature = 'a'.repeat(64)
const good: RequestHead = {
  method: 'POST',
  target: '/logto',
  version: '1.1',
  headers: {
    host: 'hooktide.example',
    'content-type': 'application/json',
    'content-length': '100',
    'logto-signature-sha-256': signature,
  },
}
const sources = new Map([['/logto', 'the source']])

function judge(head: Partial<RequestHead>) {
  return judgeHead({ ...good, ...head }, sources, 1_000)
}

/** Status, and what is said. */
function refusalOf(headers: RequestHead['headers'], head: Partial<RequestHead> = {}): string {
  const judged = judge({ ...head, headers: { ...good.headers, ...headers } })
  return judged.kind === 'answer'
    ? `${judged.answer.status} ${judged.answer.body['error']}`
    : 'taken'
}

describe('the head of a webhook', () => {
  it.each<[string, Partial<RequestHead>]>([
    ['as Logto sends it', {}],
    ['with a query behind its path', { target: '/logto?from=logto' }],
    // RFC 9112, section 3.2.2.
    ['with a target in absolute form', { target: 'http://x/logto' }],
    ['with a query behind an absolute target', { target: 'HTTPS://x:9401/logto?from=logto' }],
  ])('is taken %s', (_, head) => {
    expect(judge(head)).toEqual({ kind: 'body', source: 'the source', signature })
  })

  it.each([
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON ; ',
  ])('is taken with the content type %s', (type) => {
    expect(refusalOf({ 'content-type': type })).toBe('taken')
  })

  it.each([
    undefined,
    '',
    'text/plain',
    'application/jsonp',
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    `application/json;${' '.repeat(10_000)}x`,
  ])('is refused with the content type %s', (type) => {
    expect(refusalOf({ 'content-type': type })).toMatch(/^415 /)
  })

  it('is refused if the body is compressed', () => {
    expect(refusalOf({ 'content-encoding': 'gzip' })).toMatch(/^415 /)
    expect(refusalOf({ 'content-encoding': 'identity' })).toBe('taken')
    expect(refusalOf({ 'transfer-encoding': 'gzip, chunked' })).toMatch(/^415 /)
    expect(refusalOf({ 'transfer-encoding': 'Chunked' })).toBe('taken')
  })

  it.each<[string, string | undefined, string, boolean]>([
    ['no host', undefined, '1.1', false],
    ['no host', undefined, '1.0', true],
    ['two hosts', 'x, y', '1.1', false],
    ['two hosts', 'x, y', '1.0', false],
    ['an empty host', '', '1.1', true],
  ])('is malformed or not with %s %s in HTTP/%s', (_, host, version, isTaken) => {
    expect(refusalOf({ host }, { version })).toMatch(isTaken ? /^taken$/ : /^400 /)
  })

  it.each<[string, boolean]>([
    ['100-continue', true],
    ['100-Continue', true],
    ['', true],
    ['100-continue, more', false],
    ['the unexpected', false],
  ])('is refused with an expectation that is not known: %j', (expected, isTaken) => {
    expect(refusalOf({ expect: expected })).toMatch(isTaken ? /^taken$/ : /^417 /)
  })

  it.each([
    '/',
    '/logto/',
    '/logto/..',
    '//logto',
    '/LOGTO',
    '*',
    '',
    'http://x',
    'http://x?/logto',
    'http://x/http://x/logto',
    'http:///logto',
    'ftp://x/logto',
    'x/logto',
    '/%6cogto',
    '/logto%2F',
    '/logto#x',
    '/acme/../logto',
  ])('is refused at the path %s', (target) => {
    expect(refusalOf({}, { target })).toMatch(/^404 /)
  })

  it.each(['GET', 'HEAD', 'PUT', 'post', 'OPTIONS'])('is refused with the method %s', (method) => {
    const judged = judge({ method })
    expect(judged).toMatchObject({ answer: { status: 405, headers: { allow: 'POST' } } })
  })

  it('is refused if its content length is above the limit', () => {
    expect(refusalOf({ 'content-length': '1000' })).toBe('taken')
    expect(refusalOf({ 'content-length': '1001' })).toBe('413 The body has more than 1000 bytes.')
    expect(refusalOf({ 'content-length': '9'.repeat(400) })).toMatch(/^413 /)
    expect(refusalOf({ 'content-length': undefined })).toBe('taken')
  })

  it.each<[string, string | readonly string[] | undefined, RegExp]>([
    ['no signature', undefined, /is missing/],
    ['an empty one', '', /is not 64 lower-case hex digits/],
    ['one that is no hex', 'g'.repeat(64), /is not 64/],
    ['one that is too short', 'a'.repeat(63), /is not 64/],
    ['one that is too long', 'a'.repeat(65), /is not 64/],
    ['one in capitals', 'A'.repeat(64), /is not 64/],
    ['one with a prefix', `sha256=${'a'.repeat(64)}`, /is not 64/],
    ['one with white space', ` ${'a'.repeat(64)}`, /is not 64/],
    ['two, joined by HTTP', `${signature}, ${signature}`, /appears twice/],
    ['two', [signature, signature], /appears twice/],
  ])('is refused with %s', (_, given, words) => {
    const refusal = refusalOf({ 'logto-signature-sha-256': given })
    expect(refusal).toMatch(/^401 /)
    expect(refusal).toMatch(words)
  })

  it('names the required signature in a 401', () => {
    const judged = judge({ headers: { host: 'x', 'content-type': 'application/json' } })
    expect(judged).toMatchObject({
      answer: { headers: { 'www-authenticate': 'Logto-Signature-SHA-256' } },
    })
  })
})
