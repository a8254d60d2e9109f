// @ts-check
/** The last ticks of the chosen symbol as a table: what the chart shows, in figures, with its place in the log. */

import { make } from './dom.js'
import * as format from './format.js'

/** @typedef {import('./types.js').TickRecord} TickRecord */

const SHOWN = 50

/**
 * @param {HTMLElement} body
 * @param {TickRecord[]} records oldest first
 * @param {number} decimals
 */
export function showTicks(body, records, decimals) {
  const rows = records.slice(-SHOWN).reverse()
  const kept = new Map([...body.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.key, row]))
  body.replaceChildren(
    ...rows.map((record) => {
      const key = `${record.symbol}/${record.id}/${decimals}`
      return kept.get(key) ?? make('tr', { 'data-key': key, ...(record.alert ? { class: 'alerted' } : {}) }, ...cells(record, decimals))
    }),
  )
}

/** @param {TickRecord} record @param {number} decimals */
function cells(record, decimals) {
  const at = new Date(record.timestamp * 1000)
  const time = make('time', { datetime: at.toISOString(), title: format.utc(record.timestamp) },
    format.clock(record.timestamp, { ms: true }))
  const number = (/** @type {string} */ text, name = '') => make('td', { class: `number ${name}`.trim() }, text)
  return [
    make('td', {}, time, ...(record.late ? [make('span', { class: 'late' }, 'late')] : [])),
    number(format.price(record.price, decimals)),
    number(`${format.glyph(record.change_pct)} ${format.change(record.change_pct)}`.trim(), 'change'),
    number(format.price(record.moving_average, decimals)),
    number(format.count(record.partition), 'place'),
    number(format.count(record.offset), 'place'),
    number(format.count(record.seq), 'place'),
  ]
}
