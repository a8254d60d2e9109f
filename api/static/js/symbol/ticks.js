// @ts-check
/** Ticks and bars of the chosen symbol as tables: what the chart shows, in figures, with the place in the log. */

import { make } from '../page/dom.js'
import * as format from '../pure/format.js'

/** @typedef {import('../types.js').TickRecord} TickRecord */
/** @typedef {import('../types.js').Bar} Bar */

/**
 * @param {HTMLElement} body
 * @param {TickRecord[]} records oldest first
 * @param {number} decimals
 */
export function showTicks(body, records, decimals) {
  const rows = [...records].reverse()
  show(body, rows.map((record) => ({ key: `${record.id}/${decimals}`, make: () => tickRow(record, decimals) })))
}

/** @param {HTMLElement} body @param {Bar[]} bars oldest first @param {number} decimals */
export function showBars(body, bars, decimals) {
  const rows = [...bars].reverse()
  show(body, rows.map((bar) => ({
    key: `${bar.start}/${bar.ticks}/${bar.close}/${decimals}`, make: () => barRow(bar, decimals),
  })))
}

/** Rows that stand there already are left alone. @param {HTMLElement} body @param {{ key: string, make: () => HTMLElement }[]} rows */
function show(body, rows) {
  const today = new Date().toDateString()
  if (body.dataset.today !== today) body.replaceChildren() // what was today's has another day's name now
  body.dataset.today = today
  const wanted = new Set(rows.map(({ key }) => key))
  const kept = new Map()
  for (const row of /** @type {HTMLElement[]} */ ([...body.children])) {
    const { key = '' } = row.dataset
    if (wanted.has(key)) kept.set(key, row)
    else row.remove()
  }
  let next = body.firstElementChild
  for (const { key, make: made } of rows) {
    const row = kept.get(key) ?? made()
    row.dataset.key = key
    if (row === next) next = row.nextElementSibling
    else body.insertBefore(row, next)
  }
}

/** @param {TickRecord} record @param {number} decimals */
function tickRow(record, decimals) {
  return make(
    'tr',
    record.alert ? { class: 'alerted' } : {},
    make('td', {}, time(record.timestamp, { ms: true }), ...(record.late ? [make('span', { class: 'late' }, 'late')] : [])),
    number(format.price(record.price, decimals)),
    number(format.signed(record.change_pct), 'change'),
    number(format.price(record.moving_average, decimals)),
    number(format.count(record.partition), 'place'),
    number(format.count(record.offset), 'place'),
    number(format.count(record.seq), 'place'),
  )
}

/** @param {Bar} bar @param {number} decimals */
function barRow(bar, decimals) {
  return make(
    'tr',
    bar.ticks === 0 ? { class: 'void' } : {},
    make('td', {}, time(bar.start)),
    ...[bar.open, bar.high, bar.low, bar.close].map((value) => number(format.price(value, decimals))),
    number(format.count(bar.ticks), 'place'),
  )
}

/** @param {number} timestamp @param {{ ms?: boolean }} [options] */
function time(timestamp, options) {
  const at = new Date(timestamp * 1000)
  const day = format.otherDay(timestamp, new Date())
  return make('time', { datetime: at.toISOString(), title: format.utc(timestamp) },
    ...(day ? [make('span', { class: 'day' }, day), ' '] : []), format.clock(timestamp, options))
}

/** @param {string} text @param {string} [name] */
function number(text, name = '') {
  return make('td', { class: `number ${name}`.trim() }, text)
}
