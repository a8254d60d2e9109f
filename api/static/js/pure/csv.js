// @ts-check
/** What is seen, as a file for a spreadsheet (RFC 4180): plain figures, UTC, one header line. Pure. */

import { utc } from './format.js'

/** @typedef {import('../types.js').TickRecord} TickRecord */
/** @typedef {import('../types.js').Bar} Bar */

/** @param {TickRecord[]} records */
export function ticksCsv(records) {
  const names = /** @type {const} */ ([
    'symbol', 'timestamp', 'price', 'moving_average', 'change_pct', 'alert', 'size', 'run', 'seq', 'partition', 'offset', 'late', 'id',
  ])
  return table(['time_utc', ...names], records.map((record) => [utc(record.timestamp), ...names.map((name) => record[name])]))
}

/** @param {string} symbol @param {number} interval seconds @param {Bar[]} bars */
export function barsCsv(symbol, interval, bars) {
  const names = /** @type {const} */ (['start', 'open', 'high', 'low', 'close', 'volume', 'ticks'])
  return table(
    ['symbol', 'start_utc', 'interval_s', ...names],
    bars.map((bar) => [symbol, utc(bar.start), interval, ...names.map((name) => bar[name])]),
  )
}

/** @param {string[]} head @param {unknown[][]} rows */
function table(head, rows) {
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** @param {unknown} value */
function cell(value) {
  const text = value === null || value === undefined ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
