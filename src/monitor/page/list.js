/** Long lists: only rows that can be seen are in the document. j and k, or the arrows, move from row to row. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { loadPart, onChange, withQuery } from './api.js'
import { html } from './render.js'

/** Rows above and below those that are seen. */
const spare = 8
/** As the style has it: rows of two lines. */
const isNarrow = matchMedia('(max-width: 960px)')

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
/** Far fewer than the monitor looks at for one part. */
const fewRows = 5_000
/** A page that is left open grows no further by what comes. */
const maxGrown = 2_000
const nothing = { path: '', items: [], next: undefined, isPartial: false, first: undefined }

/** @typedef {{ readonly id: number }} Item */
/**
 * `next`: the id before which the list goes on. `isPartial`: the last part ended before it was full, and not at the end.
 * `first`: where the newest part ended if it was like that.
 *
 * @typedef {{ items: readonly Item[], next: number | undefined }} Part
 * @typedef {Part & { path: string, isPartial: boolean, first: number | undefined, error?: Error }} Pages
 */

/**
 * The newest part in the place of what was listed from there on: what is missing in it does not fit the query any more.
 * What is older stays, unless more has come than a part holds: then something between would be missing.
 *
 * @param {Pages} known
 * @param {Part} fresh
 * @param {(item: any) => string} keyOf
 */
function withNewest({ items, next, isPartial, first: former }, fresh, keyOf) {
  const lowest = fresh.next
  const first = isPartOf(fresh) ? lowest : undefined
  const begun = { ...fresh, isPartial: isPartOf(fresh), first }
  if (lowest === undefined) return begun
  const isNear = former !== undefined && lowest - former < fewRows
  const isJoined = (items[0]?.id ?? 0) >= lowest || isNear
  if (!isJoined) return begun
  const keys = new Set(fresh.items.map(keyOf))
  const older = items.filter((item) => item.id < lowest && !keys.has(keyOf(item)))
  const isLonger = older.length > 0 || (next ?? 0) < lowest
  if (!isLonger) return begun
  const all = [...fresh.items, ...older]
  const kept = all.slice(0, Math.max(maxGrown, items.length))
  if (kept.length === all.length) return { items: all, next, isPartial, first }
  return { items: kept, next: kept.at(-1)?.id, isPartial: false, first }
}

/**
 * @param {Pages} known
 * @param {Part} fresh
 * @param {(item: any) => string} keyOf
 */
function withOlder({ items, first }, fresh, keyOf) {
  const keys = new Set(items.map(keyOf))
  const older = fresh.items.filter((item) => !keys.has(keyOf(item)))
  return { items: [...items, ...older], next: fresh.next, isPartial: isPartOf(fresh), first }
}

/** @param {Part} part */
function isPartOf({ items, next }) {
  return next !== undefined && items.length < pageSize
}

/**
 * A list that goes on where its last part ended, with what is new on top. `isPartial`: few items fitted among very many.
 *
 * @returns {{ items: readonly any[], error: Error | undefined, isLoaded: boolean, isPartial: boolean, more: () => void }}
 */
export function usePages(path, query, keyOf) {
  const [state, setState] = useState(/** @type {Pages} */ (nothing))
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
      return known.next === before ? withOlder(known, fresh, keyOf) : known
    }
    const set = (change) => {
      if (ending.signal.aborted) return
      setState((known) => ({ ...change(known.path === whole ? known : nothing), path: whole }))
    }
    try {
      const fresh = await loadPart(address, ending.signal)
      set((known) => join(known, fresh))
    } catch (error) {
      set((known) => ({ ...known, error }))
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
    isPartial: isThis && state.isPartial,
    more: () => {
      if (isThis && state.next !== undefined) void ask(state.next)
    },
  }
}

/** Below a list whose items are rare: what is older is looked at when somebody asks for it. */
export function Further({ more }) {
  return html`<p class="further">
    What is older was not looked at: few are like that.
    <button onClick=${more}>Look further back</button>
  </p>`
}
