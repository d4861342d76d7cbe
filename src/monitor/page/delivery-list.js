/** The list of deliveries that a query finds, as the pages of deliveries and of a hook show it. */
import { Further, usePages, VirtualList } from './list.js'
import { Empty, Loading, Notice } from './parts.js'
import { html } from './render.js'
import { DeliveryRow, deliveryHead, hrefOfDelivery, keyOfRun } from './rows.js'

/** @param {{ query: Record<string, string>, empty: string }} options */
export function DeliveryList({ query, empty }) {
  const { items, isLoaded, isPartial, error, more } = usePages('/api/deliveries', query, keyOfRun)
  return html`<${Notice} error=${error} />
    ${!isLoaded && html`<${Loading} />`}
    ${isLoaded && items.length === 0 && !isPartial && error === undefined && html`<${Empty}>${empty}<//>`}
    ${items.length > 0 && deliveryHead}
    <${VirtualList}
      label="Deliveries"
      items=${items}
      keyOf=${keyOfRun}
      hrefOf=${hrefOfDelivery}
      onEnd=${isPartial ? undefined : more}
      row=${(result) => html`<${DeliveryRow} result=${result} />`}
    />
    ${isPartial && html`<${Further} more=${more} />`}`
}
