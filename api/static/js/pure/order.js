// @ts-check
/** Which symbols are listed, and in which order. Pure. */

/** @typedef {import('./market.js').Entry} Entry */
/** @typedef {'symbol' | 'last' | 'change' | 'average'} Column */
/** @typedef {{ column: Column, descending: boolean }} Order */

/** @type {Record<Column, (entry: Entry) => number | string | null>} */
const VALUE = {
  symbol: (entry) => entry.symbol,
  last: (entry) => entry.record.price,
  change: (entry) => entry.record.change_pct,
  average: (entry) => entry.record.moving_average,
}

/** @type {Order} */
export const BY_SYMBOL = { column: 'symbol', descending: false }

/**
 * @param {Iterable<Entry>} entries
 * @param {string} text part of the symbols wanted
 * @param {Order} order what is unknown stands at the end either way; equal ones by symbol
 */
export function arrange(entries, text, { column, descending }) {
  const part = text.trim().toUpperCase()
  const value = VALUE[column]
  const sign = descending ? -1 : 1
  const kept = [...entries].filter((entry) => entry.symbol.includes(part))
  return kept.sort((a, b) => {
    const left = value(a)
    const right = value(b)
    if (left === null || right === null) return Number(left === null) - Number(right === null) || compare(a.symbol, b.symbol)
    return sign * compare(left, right) || compare(a.symbol, b.symbol)
  })
}

/** @param {number | string} a @param {number | string} b */
function compare(a, b) {
  return a < b ? -1 : Number(a > b)
}

/**
 * The order after a press on a column's head: figures begin with the largest, names with A; a second press turns it.
 * @param {Order} order
 * @param {Column} column
 * @returns {Order}
 */
export function pressed(order, column) {
  return { column, descending: order.column === column ? !order.descending : column !== 'symbol' }
}

/** What was remembered, if it still means something. @param {string | null} text @returns {Order} */
export function readOrder(text) {
  const [column, way] = (text ?? '').split(' ')
  return column in VALUE ? { column: /** @type {Column} */ (column), descending: way === 'down' } : BY_SYMBOL
}

/** @param {Order} order */
export function writeOrder({ column, descending }) {
  return `${column} ${descending ? 'down' : 'up'}`
}
