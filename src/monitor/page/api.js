/** How the page asks the monitor, and hears that something has changed. */
import { useEffect, useRef, useState } from 'preact/hooks'

const tokenName = 'hooktide-token'
let token = sessionStorage.getItem(tokenName) ?? ''
const listeners = new Set()
let onUnauthorized = () => {}
/** @type {'connecting' | 'live' | 'away'} */
let connection = 'connecting'

/** What the monitor refused, or why it could not be asked. */
class ApiFailure extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

export function whenUnauthorized(listener) {
  onUnauthorized = listener
}

export function useToken(text) {
  token = text
  sessionStorage.setItem(tokenName, text)
}

function headersWith(more = {}) {
  return token === '' ? more : { ...more, authorization: `Bearer ${token}` }
}

/** @returns {Promise<{ data: any, headers: Headers }>} */
async function ask(method, path, body, signal) {
  const init = { method, signal, headers: headersWith() }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = headersWith({ 'content-type': 'application/json' })
  }
  let answer
  try {
    answer = await fetch(path, init)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiFailure(0, 'The monitor does not answer.')
  }
  if (answer.status === 401) onUnauthorized()
  const data = answer.status === 204 ? undefined : await answer.json().catch(() => undefined)
  if (answer.ok) return { data, headers: answer.headers }
  throw new ApiFailure(answer.status, data?.message ?? `The monitor answered ${answer.status}.`)
}

export async function send(method, path, body = {}) {
  return (await ask(method, path, body, undefined)).data
}

/** @param {AbortSignal} [signal] ends the asking */
export async function load(path, signal) {
  return (await ask('GET', path, undefined, signal)).data
}

/**
 * A part of a list, and the id before which the list goes on, as the link of the answer has it; `undefined` at its end.
 *
 * @param {AbortSignal} signal ends the asking
 * @returns {Promise<{ items: readonly any[], next: number | undefined }>}
 */
export async function loadPart(path, signal) {
  const { data, headers } = await ask('GET', path, undefined, signal)
  const [, address] = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '') ?? []
  const before = address === undefined ? null : URL.parse(address)?.searchParams.get('before')
  return { items: data, next: before ? Number(before) : undefined }
}

/** A path with a query; what is empty is left out. */
export function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? path : `${path}?${text}`
}

/** Calls `listener` after a change, and when the page is looked at again. */
export function onChange(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function tell() {
  for (const listener of listeners) listener()
}

/** @typedef {{ path: string, data: unknown, error: Error | undefined }} Loaded */

/**
 * What a path answers, kept up to date. What was there stays until the next answer is.
 *
 * @returns {{ data: any, error: Error | undefined, reload: () => Promise<void> }}
 */
export function useData(path, isLive = true) {
  const [state, setState] = useState(
    /** @type {Loaded} */ ({ path: '', data: undefined, error: undefined }),
  )
  const asking = useRef(/** @type {AbortController | undefined} */ (undefined))
  const again = useRef(false)
  const fetchNow = async () => {
    if (path === undefined) return
    if (asking.current !== undefined) {
      again.current = true
      return
    }
    const ending = new AbortController()
    asking.current = ending
    try {
      const data = await load(path, ending.signal)
      setState({ path, data, error: undefined })
    } catch (error) {
      // What another path answered says nothing of this one.
      const kept = (known) => (known.path === path ? known.data : undefined)
      if (!ending.signal.aborted) setState((known) => ({ path, data: kept(known), error }))
    }
    if (asking.current === ending) asking.current = undefined
    if (again.current && !ending.signal.aborted) {
      again.current = false
      void fetchNow()
    }
  }
  useEffect(() => {
    void fetchNow()
    const stop = isLive ? onChange(() => !document.hidden && void fetchNow()) : () => {}
    return () => {
      stop()
      asking.current?.abort()
      asking.current = undefined
      again.current = false
    }
  }, [path])
  const isThis = state.path === path
  return {
    data: isThis ? state.data : undefined,
    error: isThis ? state.error : undefined,
    reload: fetchNow,
  }
}

const retryMs = 2_000
/** How often a page asks for which there is no stream: the monitor has only so many. */
const askMs = 5_000
/** The monitor sends something every 15 seconds. A connection may die without a word. */
const silenceMs = 40_000

/**
 * Follows the stream of changes for as long as the page is open. A browser makes six connections to one host, for all tabs
 * together: so one tab holds the stream, and tells the others. When that tab is closed, the next one takes the stream over.
 */
export async function followChanges(onConnection) {
  const channel = new BroadcastChannel('hooktide-changes')
  const become = (next) => {
    if (connection !== next) onConnection(next)
    connection = next
  }
  const announce = (next, isChanged) => {
    become(next)
    if (isChanged) tell()
    channel.postMessage({ connection: next, isChanged })
  }
  channel.addEventListener('message', ({ data }) => {
    if (data.isJoining) {
      if (isHolder) channel.postMessage({ connection, isChanged: false })
      return
    }
    become(data.connection)
    if (data.isChanged) tell()
  })
  document.addEventListener('visibilitychange', () => !document.hidden && tell())
  let isHolder = false
  const hold = async () => {
    isHolder = true
    const isFull = await follow(announce).catch(() => false)
    if (isFull) await pause(askMs)
    else announce('away', false)
    isHolder = false
  }
  channel.postMessage({ isJoining: true })
  for (;;) {
    // Browsers have locks where the page came by TLS or from this machine. Elsewhere each tab has a stream.
    if (navigator.locks === undefined) await hold()
    else await navigator.locks.request('hooktide-changes', hold)
    await pause(retryMs)
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Until the stream ends, or is silent for too long. The token goes with it, so it is no EventSource.
 *
 * @returns {Promise<boolean>} whether the monitor has no more streams
 */
async function follow(announce) {
  const ending = new AbortController()
  let timer = setTimeout(() => ending.abort(), silenceMs)
  const stillThere = () => {
    clearTimeout(timer)
    timer = setTimeout(() => ending.abort(), silenceMs)
  }
  try {
    return await readChanges(announce, ending.signal, stillThere)
  } finally {
    clearTimeout(timer)
  }
}

async function readChanges(announce, signal, stillThere) {
  const answer = await fetch('/api/changes', { headers: headersWith(), signal })
  if (answer.status === 401) onUnauthorized()
  if (answer.status === 503) {
    announce('live', true)
    return true
  }
  if (!answer.ok || answer.body === null) throw new Error('refused')
  announce('live', true)
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return false
    stillThere()
    if (value.includes('event: changed')) announce('live', true)
  }
}
