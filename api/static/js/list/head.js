// @ts-check
/** Above the list: the filter, and the heads of the columns that sort it. */

import { pressed, readOrder, writeOrder } from '../pure/order.js'
import { recall, remember } from '../page/memory.js'

/** @typedef {import('../pure/order.js').Column} Column */

const KEY = 'marketlab.order'

/**
 * @param {HTMLElement} head
 * @param {HTMLInputElement} filter
 * @param {import('./watchlist.js').Watchlist} list
 */
export function startHead(head, filter, list) {
  let order = readOrder(recall(KEY))
  const columns = /** @type {HTMLElement[]} */ ([...head.querySelectorAll('[data-column]')])
  const show = () => {
    for (const column of columns) {
      const chosen = column.dataset.column === order.column
      column.setAttribute('aria-sort', chosen ? (order.descending ? 'descending' : 'ascending') : 'none')
    }
    list.arrange({ order })
  }
  head.addEventListener('click', (event) => {
    const column = /** @type {HTMLElement} */ (event.target).closest('[data-column]')
    if (!(column instanceof HTMLElement)) return
    order = pressed(order, /** @type {Column} */ (column.dataset.column))
    remember(KEY, writeOrder(order))
    show()
  })
  filter.addEventListener('input', () => list.arrange({ text: filter.value }))
  filter.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      filter.value = ''
      list.arrange({ text: '' })
      filter.blur()
    } else if (event.key === 'Enter' || event.key === 'ArrowDown') {
      event.preventDefault()
      list.enter()
    }
  })
  show()
}
