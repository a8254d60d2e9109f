// @ts-check
/** The tools above the chart: which kind, which part of time, as a table, as a file. */

import { byId } from '../page/dom.js'
import { barsCsv, ticksCsv } from '../pure/csv.js'

/** @typedef {import('./panel.js').Kind} Kind */
/** @typedef {import('./panel.js').SymbolPanel} SymbolPanel */
/** @typedef {import('../chart/chart.js').PriceChart} PriceChart */

const CLOSER = 0.5
const FARTHER = 2
const SIDEWAYS = 0.25 // of what is seen
const KINDS = /** @type {const} */ (['line', '1s', '10s', '1m'])

/** @param {SymbolPanel} panel @param {PriceChart} chart */
export function startTools(panel, chart) {
  const radios = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll('input[name="kind"]')])
  const table = byId('as-table')
  const tools = {
    /** @param {Kind} kind */
    show(kind) {
      for (const radio of radios) radio.checked = radio.value === kind
      panel.show(kind)
    },
    nextKind: () => tools.show(KINDS[(KINDS.indexOf(panel.kind) + 1) % KINDS.length]),
    closer: () => chart.zoom(CLOSER),
    farther: () => chart.zoom(FARTHER),
    live: () => chart.live(),
    earlier: () => chart.pan(-SIDEWAYS),
    later: () => chart.pan(SIDEWAYS),
    toggleTable() {
      panel.asTable(!panel.table)
      table.setAttribute('aria-pressed', String(panel.table))
    },
    download() {
      const { symbol, interval, records, bars } = panel.seen()
      const text = interval === null ? ticksCsv(records) : barsCsv(symbol, interval, bars)
      save(`${symbol.replace(/[^A-Z0-9._=-]/g, '-')}-${interval === null ? 'ticks' : `${interval}s`}.csv`, text)
    },
    /** Another part of time is looked at, or was left. */
    looked() {
      byId('live').hidden = chart.view.untouched
    },
  }
  for (const radio of radios) radio.addEventListener('change', () => tools.show(/** @type {Kind} */ (radio.value)))
  byId('zoom-in').addEventListener('click', tools.closer)
  byId('zoom-out').addEventListener('click', tools.farther)
  byId('live').addEventListener('click', () => {
    tools.live()
    byId('zoom-out').focus()
  })
  table.addEventListener('click', tools.toggleTable)
  byId('csv').addEventListener('click', tools.download)
  return tools
}

/** @param {string} name @param {string} text */
function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
