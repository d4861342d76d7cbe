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

/**
 * A list that goes on by the id of its last item, with what is new on top.
 *
 * @returns {{ items: readonly any[], error: Error | undefined, isLoaded: boolean, more: () => void }}
 */
export function usePages(path, query, keyOf) {
  const [state, setState] = useState(
    /** @type {{ path: string, items: readonly { id: number }[], isEnd: boolean, error?: Error }} */ ({
      path: '',
      items: [],
      isEnd: false,
    }),
  )
  const asking = useRef(false)
  const whole = withQuery(path, { ...query, limit: pageSize })
  const join = (items, fresh, isOlder) => {
    const newest = new Map()
    for (const item of [...fresh, ...items]) {
      const known = newest.get(keyOf(item))
      if (known === undefined || known.id < item.id) newest.set(keyOf(item), item)
    }
    const joined = [...newest.values()].sort((one, other) => other.id - one.id)
    return isOlder ? joined : joined.slice(0, Math.max(items.length + fresh.length, pageSize))
  }
  const ask = async (before) => {
    if (asking.current) return
    asking.current = true
    try {
      const fresh = await load(before === undefined ? whole : `${whole}&before=${before}`)
      setState((known) => {
        const isSame = known.path === whole
        const isOlder = before !== undefined
        return {
          path: whole,
          items: isSame ? join(known.items, fresh, isOlder) : fresh,
          isEnd: isOlder || !isSame ? fresh.length < pageSize : known.isEnd,
          error: undefined,
        }
      })
    } catch (error) {
      setState((known) => ({
        ...known,
        path: whole,
        items: known.path === whole ? known.items : [],
        error,
      }))
    }
    asking.current = false
  }
  useEffect(() => {
    asking.current = false
    void ask(undefined)
    return onChange(() => !document.hidden && void ask(undefined))
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
