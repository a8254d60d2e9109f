// @ts-check
/** The dashboard: puts its parts together. What comes from the server goes through `take`, and stops there on pause. */

import { AlertFeed, FRESH_MS } from './alerts/feed.js'
import { Provenance } from './alerts/provenance.js'
import { PriceChart } from './chart/chart.js'
import { startGestures } from './chart/gestures.js'
import { startHead } from './list/head.js'
import { Past } from './list/past.js'
import { Watchlist } from './list/watchlist.js'
import { Api, NoAnswer } from './net/api.js'
import { Stream } from './net/stream.js'
import { BooksPanel } from './page/books.js'
import { startCopying } from './page/copying.js'
import { byId, palette, setText } from './page/dom.js'
import { startKeys } from './page/keys.js'
import { StatusBar } from './page/status.js'
import { startTheme } from './page/theme.js'
import { readAddress, writeAddress } from './pure/address.js'
import { AlertList } from './pure/alertlist.js'
import * as format from './pure/format.js'
import { Hold } from './pure/hold.js'
import { Market } from './pure/market.js'
import { SymbolPanel } from './symbol/panel.js'
import { startTools } from './symbol/tools.js'

/** @typedef {import('./types.js').News} News */
/** @typedef {import('./types.js').TickRecord} TickRecord */

const ALERTS = 50
const SLOW_MS = 2000 // between two looks at the books and at alerts that were missed

const { window: averageWindow, thresholdPct, pollMs } = document.documentElement.dataset
const settings = { window: Number(averageWindow), thresholdPct: Number(thresholdPct), pollMs: Number(pollMs) }

const api = new Api()
const market = new Market()
const hold = new Hold()
const alerts = new AlertList({ most: ALERTS })
const decimals = (/** @type {string} */ symbol) => market.decimals(symbol)

const status = new StatusBar(settings)
const books = new BooksPanel({
  chip: byId('books-chip'), table: byId('books-table'), state: byId('books-state'), missing: byId('books-missing'),
})
const chart = new PriceChart(/** @type {HTMLCanvasElement} */ (byId('chart')), {
  window: settings.window,
  onView: () => {
    tools.looked()
    void panel.looked()
  },
})
const past = new Past(api, learn)
const list = new Watchlist(
  market,
  {
    frame: byId('watchlist-frame'), scroller: byId('watchlist'), head: byId('watchlist-head'), rows: byId('watchlist-rows'),
    none: byId('watchlist-none'),
  },
  { onSelect: choose, onSeen: (entries) => past.want(entries) },
)
const panel = new SymbolPanel({
  api, market, alerts, chart, window: settings.window,
  onPage: (symbol, page, first) => {
    learn(symbol, page)
    noteAlerts(alerts.note(page), { news: !first })
  },
})
const tools = startTools(panel, chart)
const feed = new AlertFeed(
  alerts,
  { list: byId('alerts-list'), none: byId('alerts-none'), said: byId('alerts-said'), count: byId('alerts-count') },
  { thresholdPct: settings.thresholdPct, onSelect: (symbol) => list.select(symbol), decimals },
)
const why = new Provenance(api, { decimals, onClose: () => history.replaceState(null, '', writeAddress(panel.symbol)) })
const stream = new Stream(api, { onNews: take, onStatus: noteStatus }, settings)

/** What is shown is whole up to this row. */
let shownId = 0
let alertsKnown = false

/** @param {string} symbol @param {TickRecord[]} page newest first */
function learn(symbol, page) {
  market.learn(symbol, page)
  list.update([symbol])
}

/** @param {string} symbol */
function choose(symbol) {
  const { symbol: named, alert } = readAddress(location.hash)
  if (named !== symbol || alert === null) history.replaceState(null, '', writeAddress(symbol))
  panel.choose(symbol)
  tools.looked()
}

/** @param {import('./types.js').Status | null} figures */
function noteStatus(figures) {
  status.figures(figures)
  if (figures && figures.version !== due.version) {
    due.version = figures.version
    askSoon()
  }
  showStatus()
}

/** @param {News} news */
function take(news) {
  if (hold.paused) {
    hold.add(news)
    showStatus()
  } else apply(news)
}

/** @param {News} news */
function apply(news) {
  if (news.restarted) forget()
  shownId = news.newestId
  const moved = news.latest ? market.latest(news.latest) : market.take(news.ticks, news)
  const fresh = [...alerts.add(news.alerts), ...alerts.note(news.latest ?? news.ticks)]
  noteAlerts(fresh, { news: alertsKnown })
  showMarket()
  list.update(news.latest ? null : moved)
  panel.take(news)
  if (news.gap) due.alerts = true
  if (news.gap && !news.latest) due.latest = true
  if (news.gap || news.restarted) askSoon()
}

function forget() {
  market.clear()
  alerts.clear()
  alertsKnown = false
}

function showMarket() {
  const { size } = market.entries
  byId('empty').hidden = size > 0
  byId('market').hidden = size === 0
  setText(byId('symbols'), size === 0 ? '' : `${format.count(size)} ${size === 1 ? 'symbol' : 'symbols'}`)
  if (size > 0 && (panel.symbol === '' || !market.entries.has(panel.symbol))) followAddress()
}

/** Show what the address names, or the first symbol there is. */
function followAddress() {
  const { symbol, alert } = readAddress(location.hash)
  const known = symbol !== null && market.entries.has(symbol)
  const wanted = known ? symbol : panel.symbol !== '' && market.entries.has(panel.symbol) ? panel.symbol : firstSymbol()
  if (wanted === undefined) return
  list.select(wanted)
  if (known && alert !== null) void why.open(symbol, alert)
  else why.close()
}

function firstSymbol() {
  return [...market.entries.keys()].sort()[0]
}

/** @param {import('./pure/alertlist.js').Shown[]} some oldest first @param {{ news: boolean }} options */
function noteAlerts(some, { news }) {
  const freshUntil = news ? Date.now() + FRESH_MS : 0
  for (const { symbol, change, text } of some) {
    const entry = market.entries.get(symbol)
    if (!entry) continue
    entry.mark = { glyph: format.alertGlyph(change), title: text, freshUntil }
    list.update([symbol])
    if (news) setTimeout(() => list.update([symbol]), FRESH_MS + 50)
  }
  feed.show(news ? some : [])
}

/** What is asked for more slowly than ticks come; `version`: of the store, after every commit another one. */
const due = { wanted: false, latest: false, alerts: false, version: 0, timer: 0, asking: false, at: -Infinity }

function askSoon() {
  due.wanted = true
  if (due.timer || due.asking || hold.paused || document.hidden) return
  due.timer = window.setTimeout(askSlowly, Math.max(0, due.at + SLOW_MS - performance.now()))
}

async function askSlowly() {
  due.timer = 0
  if (hold.paused || document.hidden) return // still wanted when the page goes on
  Object.assign(due, { wanted: false, asking: true, at: performance.now() })
  try {
    if (due.latest) {
      due.latest = false
      // "since", for "unchanged" means since it was asked here, not by the stream
      list.update(market.take(await ask('data?since=0'), { gap: true }))
    }
    if (due.alerts) {
      due.alerts = false
      noteAlerts(alerts.add(await ask(`alerts?limit=${ALERTS}`)), { news: alertsKnown })
      alertsKnown = true
    }
    if (alerts.shown.length === 0) feed.none(await ask('largest-move'))
    books.update(await ask('books?balanced=false'))
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    due.wanted = due.latest = due.alerts = true // the link's state is told elsewhere
  } finally {
    due.asking = false
    if (due.wanted) askSoon()
  }
}

/** An answer for a page that was not paused meanwhile. @param {string} path */
async function ask(path) {
  const { value } = await api.get(path)
  if (hold.paused) throw new NoAnswer('it came after the pause began')
  return value
}

function togglePause() {
  if (hold.paused) {
    panel.until = null
    for (const news of hold.resume()) apply(news)
    if (due.wanted) askSoon()
  } else {
    hold.pause(shownId)
    panel.until = shownId
  }
  setText(byId('pause'), hold.paused ? 'Resume' : 'Pause')
  document.body.classList.toggle('paused', hold.paused)
  showStatus()
}

function showStatus() {
  const { link } = stream
  status.show(link.state(performance.now()), link.trouble, hold)
}

function paint() {
  list.paint(palette().muted)
  chart.paint()
}

const filter = /** @type {HTMLInputElement} */ (byId('filter'))

startTheme(byId('theme'), paint)
startCopying()
startGestures(byId('chart-box'), {
  area: () => chart.area,
  zoom: (factor, at) => chart.zoom(factor, at),
  pan: (part) => chart.pan(part),
})
startHead(byId('watchlist-head'), filter, list)
startKeys([
  { group: 'Symbols', keys: [
    { keys: ['/'], shown: '/', does: 'filter the list', run: () => filter.select() },
    { keys: ['ArrowDown'], shown: '↓', does: 'next symbol', run: () => list.move(1), always: true },
    { keys: ['ArrowUp'], shown: '↑', does: 'the one before', run: () => list.move(-1), always: true },
    { keys: ['PageDown'], shown: 'PgDn', does: 'a page down', run: () => list.move(list.pageSize), always: true },
    { keys: ['PageUp'], shown: 'PgUp', does: 'a page up', run: () => list.move(-list.pageSize), always: true },
    { keys: ['Home'], shown: 'Home', does: 'first symbol', run: () => list.move(-Infinity), always: true },
    { keys: ['End'], shown: 'End', does: 'last symbol', run: () => list.move(Infinity), always: true },
  ] },
  { group: 'Chart', keys: [
    { keys: ['+', '='], shown: '+', does: 'closer', run: tools.closer },
    { keys: ['-', '−'], shown: '−', does: 'farther', run: tools.farther },
    { keys: ['ArrowLeft'], shown: '←', does: 'earlier', run: tools.earlier, always: true },
    { keys: ['ArrowRight'], shown: '→', does: 'later', run: tools.later, always: true },
    { keys: ['0'], shown: '0', does: 'back to live', run: tools.live },
    { keys: ['k'], shown: 'K', does: 'line or candles', run: tools.nextKind },
    { keys: ['t'], shown: 'T', does: 'chart or table', run: tools.toggleTable },
    { keys: ['d'], shown: 'D', does: 'download as CSV', run: tools.download },
  ] },
  { group: 'Page', keys: [
    { keys: [' '], shown: 'Space', does: 'pause and go on', run: togglePause },
    { keys: ['?'], shown: '?', does: 'these keys', run: () => byId('help-open').click() },
  ] },
])
byId('pause').addEventListener('click', togglePause)
byId('books-chip').addEventListener('click', (event) => {
  event.preventDefault() // the address keeps naming the symbol
  byId('books').scrollIntoView({ block: 'nearest' })
  byId('books').focus()
})
addEventListener('hashchange', followAddress)
paint()
document.addEventListener('visibilitychange', () => { if (due.wanted) askSoon() })
setInterval(() => { if (!document.hidden) showStatus() }, 1000)
stream.start()
