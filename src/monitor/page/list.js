/** Long lists: only rows that can be seen are in the document. j and k, or the arrows, move from row to row. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { load, onChange, withQuery } from './api.js'
import { html } from './render.js'

/** Rows above and below those that are seen. */
const spare = 8
const isNarrow = matchMedia('(max-width: 720px)')

/**
 * @param {{ items: readonly any[], keyOf: (item: any) => string, row: (item: any) => any, hrefOf: (item: any) => string,
 *   label: string, heights?: readonly [wide: number, narrow: number], onEnd?: () => void }} options
 */
export function VirtualList({ items, keyOf, row, hrefOf, label, heights = [38, 64], onEnd }) {
  const element = useRef(/** @type {HTMLDivElement | null} */ (null))
  const [range, setRange] = useState({ first: 0, last: 40 })
  const height = isNarrow.matches ? heights[1] : heights[0]
  const measure = () => {
    const top = element.current?.getBoundingClientRect().top ?? 0
    const first = Math.max(0, Math.floor(-top / height) - spare)
    const last = Math.max(0, Math.ceil((innerHeight - top) / height) + spare)
    setRange((known) => (known.first === first && known.last === last ? known : { first, last }))
  }
  useLayoutEffect(measure, [items.length, height])
  useEffect(() => {
    addEventListener('scroll', measure, { passive: true })
    addEventListener('resize', measure)
    return () => {
      removeEventListener('scroll', measure)
      removeEventListener('resize', measure)
    }
  }, [height])
  useEffect(() => {
    if (range.last >= items.length) onEnd?.()
  }, [range.last, items.length])
  const shown = items.slice(range.first, range.last)
  return html`<div
    ref=${element}
    class="list"
    role="list"
    aria-label=${label}
    data-count=${items.length}
    style=${{ height: `${items.length * height}px` }}
  >
    ${shown.map(
      (item, at) =>
        html`<a
          key=${keyOf(item)}
          class="row"
          role="listitem"
          href=${hrefOf(item)}
          style=${{ top: `${(range.first + at) * height}px`, height: `${height}px` }}
          >${row(item)}</a
        >`,
    )}
  </div>`
}

/** Moves to the next or the previous row. @returns whether there are rows */
export function moveRow(step) {
  const rows = [...document.querySelectorAll('a.row')]
  if (rows.length === 0) return false
  const at = rows.indexOf(document.activeElement?.closest('a.row') ?? document.body)
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))]
  if (next instanceof HTMLElement) {
    next.focus({ preventScroll: true })
    next.scrollIntoView({ block: 'nearest' })
  }
  return true
}

const pageSize = 100

/** @typedef {{ readonly id: number }} Item */
/** @typedef {{ path: string, items: readonly Item[], isEnd: boolean, error?: Error }} Pages */

/**
 * The newest page in the place of what was listed from there on: what is missing in it does not fit the query any more.
 * What is older stays, unless more has come than a page holds: then something between would be missing.
 *
 * @param {Pages} known
 * @param {readonly Item[]} fresh
 * @param {(item: any) => string} keyOf
 */
function withNewest({ items, isEnd }, fresh, keyOf) {
  const lowest = fresh.length < pageSize ? undefined : fresh.at(-1)?.id
  if (lowest === undefined) return { items: fresh, isEnd: true }
  if ((items[0]?.id ?? 0) < lowest) return { items: fresh, isEnd: false }
  const keys = new Set(fresh.map(keyOf))
  const older = items.filter((item) => item.id < lowest && !keys.has(keyOf(item)))
  return { items: [...fresh, ...older], isEnd: isEnd && older.length > 0 }
}

/**
 * @param {Pages} known
 * @param {readonly Item[]} fresh
 * @param {(item: any) => string} keyOf
 */
function withOlder({ items }, fresh, keyOf) {
  const keys = new Set(items.map(keyOf))
  return {
    items: [...items, ...fresh.filter((item) => !keys.has(keyOf(item)))],
    isEnd: fresh.length < pageSize,
  }
}

/**
 * A list that goes on by the id of its last item, with what is new on top.
 *
 * @returns {{ items: readonly any[], error: Error | undefined, isLoaded: boolean, more: () => void }}
 */
export function usePages(path, query, keyOf) {
  const [state, setState] = useState(/** @type {Pages} */ ({ path: '', items: [], isEnd: false }))
  const asking = useRef(/** @type {AbortController | undefined} */ (undefined))
  const again = useRef({ newest: false, before: /** @type {number | undefined} */ (undefined) })
  const whole = withQuery(path, { ...query, limit: pageSize })
  const ask = async (before) => {
    if (asking.current !== undefined) {
      if (before === undefined) again.current.newest = true
      else again.current.before = before
      return
    }
    const ending = new AbortController()
    asking.current = ending
    const address = before === undefined ? whole : `${whole}&before=${before}`
    const join = (known, fresh) => {
      if (before === undefined) return withNewest(known, fresh, keyOf)
      // The list may have begun anew meanwhile.
      return known.items.at(-1)?.id === before ? withOlder(known, fresh, keyOf) : known
    }
    const set = (change) => {
      if (ending.signal.aborted) return
      const none = { path: whole, items: [], isEnd: false }
      setState((known) => ({ path: whole, ...change(known.path === whole ? known : none) }))
    }
    try {
      const fresh = await load(address, ending.signal)
      set((known) => join(known, fresh))
    } catch (error) {
      set(({ items, isEnd }) => ({ items, isEnd, error }))
    }
    if (asking.current !== ending) return
    asking.current = undefined
    askAgain()
  }
  const askAgain = () => {
    const { newest, before } = again.current
    if (newest) again.current.newest = false
    else again.current.before = undefined
    if (newest || before !== undefined) void ask(newest ? undefined : before)
  }
  useEffect(() => {
    void ask(undefined)
    const stop = onChange(() => !document.hidden && void ask(undefined))
    return () => {
      stop()
      asking.current?.abort()
      asking.current = undefined
      again.current = { newest: false, before: undefined }
    }
  }, [whole])
  const isThis = state.path === whole
  return {
    items: isThis ? state.items : [],
    error: isThis ? state.error : undefined,
    isLoaded: isThis,
    more: () => {
      if (isThis && !state.isEnd && state.items.length > 0) void ask(state.items.at(-1)?.id)
    },
  }
}
