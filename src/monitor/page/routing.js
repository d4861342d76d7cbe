/** Where the page is: its address says what it shows. */
import { useEffect, useState } from 'preact/hooks'

const listeners = new Set()

export function go(href, isReplacing = false) {
  if (isReplacing) history.replaceState(null, '', href)
  else history.pushState(null, '', href)
  if (!isReplacing) scrollTo(0, 0)
  for (const listener of listeners) listener()
}

addEventListener('popstate', () => {
  for (const listener of listeners) listener()
})

// Links within the page need no request. Those with a modifier open elsewhere, as ever.
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey
  if (link === null || !isPlain || link.origin !== location.origin || link.target !== '') return
  if (link.pathname.startsWith('/api/')) return
  event.preventDefault()
  go(link.pathname + link.search)
})

export function useLocation() {
  const [where, setWhere] = useState({ path: location.pathname, search: location.search })
  useEffect(() => {
    const moved = () => setWhere({ path: location.pathname, search: location.search })
    listeners.add(moved)
    return () => listeners.delete(moved)
  }, [])
  return where
}

/** @returns {[Readonly<Record<string, string>>, (changes: Record<string, string | undefined>) => void]} */
export function useQuery() {
  const { search } = useLocation()
  const query = Object.fromEntries(new URLSearchParams(search))
  const change = (changes) => {
    const next = Object.entries({ ...query, ...changes }).filter(
      ([, value]) => value !== undefined && value !== '',
    )
    const text = new URLSearchParams(next.map(([name, value]) => [name, String(value)])).toString()
    go(location.pathname + (text === '' ? '' : `?${text}`), true)
  }
  return [query, change]
}
