/** Evaluates filters on an event, for tests. */
import {
  evaluateFilter,
  Meter,
  type Bindings,
  type FilterFault,
  type Value,
} from '../../src/core/filter/filter.ts'
import { filterUnits } from '../../src/core/hook/filter-match.ts'
import { createFilters } from '../../src/edge/filter/cel.ts'

const { fault, read } = createFilters()

const sampleEvent: Value = {
  event: 'User.Data.Updated',
  createdAt: '2026-09-14T09:02:11.019Z',
  status: 200,
  ratio: 0.5,
  user: { id: 'u1', name: 'Noor Haddad', primaryEmail: 'noor@example.com', customData: {} },
  roles: ['admin', 'editor'],
  levels: [1, 2, 3],
  people: [
    { name: 'Noor', tags: ['new'] },
    { name: 'Ada', tags: [] },
  ],
  none: null,
  isSuspended: false,
}

/** An object with `__proto__` as an own key, as JSON.parse creates it. */
export const hostileEvent = JSON.parse(
  '{"__proto__": {"isAdmin": true}, "constructor": "mine", "a": 1}',
) as Value

const headers: Value = { 'x-region': 'eu', 'x-empty': '' }

function bindingsWith(event: Value): Bindings {
  return (name) => (name === 'event' ? event : name === 'tenant' ? 'acme' : headers)
}

/** The result, true, false or a {@link FilterFault}, or `refused: <why>` for a text that is no filter. */
export function filtered(text: string, event: Value = sampleEvent): boolean | string {
  const why = fault(text)
  if (why !== undefined) return `refused: ${why}`
  return spent(text, event).result
}

/** The cost of a filter in units. The text must be a filter. */
export function spent(
  text: string,
  event: Value = sampleEvent,
): { readonly result: boolean | FilterFault; readonly units: number } {
  const node = read(text)
  if (node === undefined) throw new Error(`no filter: ${fault(text)}`)
  const meter = new Meter(filterUnits)
  const result = evaluateFilter(node, bindingsWith(event), meter)
  return { result, units: meter.isExhausted ? filterUnits : filterUnits - meter.left }
}
