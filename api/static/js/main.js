// @ts-check
/** The dashboard: asks for /data every two seconds, as the seed has it, and shows what is new. */

import { AlertFeed } from './alerts.js'
import { Api, NoAnswer } from './api.js'
import { BooksPanel } from './books.js'
import { PriceChart } from './chart.js'
import { byId, newestPerFrame, palette, setText } from './dom.js'
import * as format from './format.js'
import { Link } from './link.js'
import { Series } from './series.js'
import { StatusBar, startCopying } from './status.js'
import { startTheme } from './theme.js'
import { showTicks } from './ticks.js'
import { Watchlist } from './watchlist.js'

/** @typedef {import('./types.js').TickRecord} TickRecord */

const FIRST_PAGE = 600 // records of the chosen symbol, once
const NEXT_PAGE = 100 // and between two questions
const LARGEST_PAGE = 1000
const ALERTS = 50

const { window: averageWindow, thresholdPct, pollMs } = document.documentElement.dataset
const settings = { window: Number(averageWindow), thresholdPct: Number(thresholdPct), pollMs: Number(pollMs) }

const api = new Api()
const link = new Link(performance.now())
const status = new StatusBar(settings)
const books = new BooksPanel({ chip: byId('books-chip'), table: byId('books-table'), state: byId('books-state') })
const chart = new PriceChart(/** @type {HTMLCanvasElement} */ (byId('chart')), settings)
const watchlist = new Watchlist(byId('watchlist-rows'), {
  onSelect: (symbol) => void choose(symbol),
  history: (symbol, limit) => api.history(symbol, limit),
})
const feed = new AlertFeed(
  { list: byId('alerts-list'), none: byId('alerts-none'), said: byId('alerts-said'), count: byId('alerts-count') },
  {
    most: ALERTS,
    thresholdPct: settings.thresholdPct,
    onSelect: (symbol) => watchlist.select(symbol),
    decimals: (symbol) => watchlist.decimals(symbol),
  },
)
const draw = newestPerFrame(drawChosen)

/** The chosen symbol and what is known of it; a new object for every choice, so that a late answer can be told. */
let chosen = choice('')

/** @param {string} symbol */
function choice(symbol) {
  return { symbol, series: new Series(), left: new AbortController() }
}

/** @param {string} symbol */
async function choose(symbol) {
  const mine = choice(symbol)
  chosen.left.abort()
  chosen = mine
  history.replaceState(null, '', `#${encodeURIComponent(symbol)}`)
  chart.reset()
  draw(mine)
  try {
    await catchUp(mine, FIRST_PAGE)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    // The next question finds the link's state; it also asks for this history again.
  }
}

/**
 * Fetch what was written of a symbol since the last time.
 * @param {typeof chosen} mine
 * @param {number} asked
 */
async function catchUp(mine, asked) {
  const { signal } = mine.left
  let page
  try {
    page = await api.history(mine.symbol, asked, signal)
    if (mine.series.wouldMiss(page, asked)) page = await api.history(mine.symbol, (asked = LARGEST_PAGE), signal)
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  feed.note(page, { past: asked === FIRST_PAGE })
  if (mine !== chosen || mine.series.take(page, asked) === 0) return
  watchlist.learn(mine.symbol, page)
  if (mine.series.newest) watchlist.refresh(mine.series.newest) // it may be newer than the answer before
  draw(mine)
}

/** @param {typeof chosen} mine */
function drawChosen(mine) {
  if (mine !== chosen) return
  const { symbol, series } = mine
  const decimals = watchlist.decimals(symbol)
  const stream = series.stream
  chart.show(stream, series.breaks, decimals)
  showTicks(byId('ticks-rows'), series.records, decimals)
  setText(byId('symbol-name'), symbol)
  const newest = stream.at(-1) ?? series.newest
  setText(byId('symbol-price'), format.price(newest?.price, decimals))
  setText(byId('symbol-change'), `${format.glyph(newest?.change_pct)} ${format.change(newest?.change_pct)}`.trim())
  setText(byId('symbol-average'), format.price(newest?.moving_average, decimals))
  const at = byId('symbol-time')
  setText(at, newest ? `${format.day(newest.timestamp, new Date())} ${format.clock(newest.timestamp)}`.trim() : format.UNKNOWN)
  at.title = newest ? format.utc(newest.timestamp) : ''
  byId('chart').setAttribute('aria-label', newest
    ? `${symbol}: price ${format.price(newest.price, decimals)}, MA(${settings.window}) ` +
      `${format.price(newest.moving_average, decimals)}; the same figures stand in the table of the last ticks`
    : `${symbol}: no ticks yet`)
  document.title = newest ? `${symbol} ${format.price(newest.price, decimals)} · marketlab` : 'marketlab'
}

/** What is still to be asked since something was committed; kept over a failure, for "changed" is only said once. */
const due = { history: false, rest: false }

/** The largest id that was ever answered: ids never go back within one database. */
const known = { newest: 0 }

/** One question and all that follows from its answer. */
async function poll() {
  const { changed, value } = await api.get('data')
  /** @type {TickRecord[]} */
  const records = value
  const newest = records.reduce((id, record) => Math.max(id, record.id), 0)
  if (newest < known.newest) {
    feed.forget()
    watchlist.unmark()
  }
  known.newest = newest
  const moved = changed ? watchlist.update(records) : new Set()
  feed.note(records)
  due.rest ||= changed
  due.history ||= moved.has(chosen.symbol)
  const empty = records.length === 0
  byId('empty').hidden = !empty
  byId('market').hidden = empty
  setText(byId('symbols'), empty ? '' : `${format.count(records.length)} ${records.length === 1 ? 'symbol' : 'symbols'}`)
  if (!empty && watchlist.selected === null) {
    const wanted = decodeURIComponent(location.hash.slice(1))
    watchlist.select(watchlist.rows.has(wanted) ? wanted : records[0].symbol)
  } else if (!empty && (due.history || chosen.series.newest === undefined)) {
    await catchUp(chosen, chosen.series.newest === undefined ? FIRST_PAGE : NEXT_PAGE)
  }
  due.history = false
  if (due.rest) await Promise.all([askAlerts(), askBooks()])
  due.rest = false
  link.answered(performance.now(), { moved: moved.size > 0 })
}

async function askAlerts() {
  const { value } = await api.get(`alerts?limit=${ALERTS}`)
  const { shown, fresh } = feed.update(value)
  for (const { symbol, change, text, tickId } of [...shown].reverse()) {
    watchlist.mark(symbol, { change, title: text, fresh: fresh.has(tickId) })
  }
  if (shown.length === 0) feed.none((await api.get('largest-move')).value)
}

async function askBooks() {
  books.update((await api.get('books')).value)
}

let timer = 0
let asking = false

async function round() {
  clearTimeout(timer)
  if (asking || document.hidden) return
  asking = true
  const begun = performance.now()
  try {
    await poll()
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    link.failed({ found: error.message, mend: error.mend })
  } finally {
    asking = false
    timer = window.setTimeout(round, Math.max(0, settings.pollMs - (performance.now() - begun)))
  }
  showStatus()
}

function showStatus() {
  status.show(link.state(performance.now()), link.trouble)
}

const KEYS = new Map([['ArrowDown', 1], ['ArrowUp', -1], ['Home', -Infinity], ['End', Infinity]])

document.addEventListener('keydown', (event) => {
  const step = KEYS.get(event.key)
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
  const target = /** @type {HTMLElement} */ (event.target)
  const page = document.documentElement
  // From anywhere, as long as nothing else wants these keys: a list or a page that they scroll.
  const free = target.closest('[data-scrolls]') === null && page.scrollHeight <= page.clientHeight && Number.isFinite(step)
  if (!free && target.closest('#watchlist-rows') === null) return
  event.preventDefault()
  watchlist.move(step)
})

function paint() {
  watchlist.paint(palette().muted)
  chart.paint()
}

startTheme(byId('theme'), paint)
startCopying()
paint()
document.addEventListener('visibilitychange', () => void round())
setInterval(() => { if (!document.hidden) showStatus() }, 1000)
void round()
