// @ts-check
/** The chosen symbol: its price in large, its chart or its table, its last ticks. */

import { NoAnswer, notebookAddress } from '../net/api.js'
import { byId, newestPerFrame, setText } from '../page/dom.js'
import * as format from '../pure/format.js'
import { History, SECONDS } from './history.js'
import { showBars, showTicks } from './ticks.js'

/** @typedef {import('../types.js').News} News */
/** @typedef {import('../types.js').TickRecord} TickRecord */
/** @typedef {import('./history.js').Interval} Interval */
/** @typedef {'line' | Interval} Kind */

const LAST_TICKS = 50
const TABLE_ROWS = 1000 // browsers lay out all rows anew for each that comes
const BARS_EVERY_MS = 1000

export class SymbolPanel {
  /**
   * @param {{
   *   api: import('../net/api.js').Api, market: import('../pure/market.js').Market,
   *   alerts: import('../pure/alertlist.js').AlertList, chart: import('../chart/chart.js').PriceChart, window: number,
   *   onPage: (symbol: string, page: TickRecord[], first: boolean) => void,
   * }} parts `onPage` is told what was learnt of the past
   */
  constructor({ api, market, alerts, chart, window, onPage }) {
    this.api = api
    this.market = market
    this.alerts = alerts
    this.chart = chart
    this.window = window
    this.onPage = onPage
    /** A new one for every choice, so that a late answer can be told. */
    this.history = new History(api, '')
    /** @type {Kind} */
    this.kind = 'line'
    this.table = false
    /** Why no more of the past is shown, if so. */
    this.full = ''
    /** The page is paused and shows nothing after this id. @type {number | null} */
    this.until = null
    this.barsAt = -Infinity
    this.barsTimer = 0
    this.draw = newestPerFrame(() => this.#draw())
  }

  get symbol() {
    return this.history.symbol
  }

  /** @param {string} symbol */
  choose(symbol) {
    this.history.leave()
    this.history = new History(this.api, symbol)
    this.full = ''
    this.chart.reset()
    this.draw(null)
    void this.catchUp()
  }

  /** @param {News} news */
  take({ ticks, latest, gap, restarted }) {
    const { history } = this
    if (history.symbol === '') return
    if (restarted) return this.choose(history.symbol)
    const mine = ticks.filter((record) => record.symbol === history.symbol)
    const newest = latest?.find((record) => record.symbol === history.symbol)
    const missed = latest ? newest !== undefined && newest.id > (history.series.newest?.id ?? 0) : gap
    if (missed) history.series.lose()
    history.add(mine)
    if (missed) void this.catchUp()
    else if (mine.length > 0) {
      this.draw(null)
      this.#keepBars()
    }
  }

  /** Ask for what did not come by itself. */
  async catchUp() {
    const { history } = this
    const first = !history.asked
    await this.#quietly(history, async () => {
      const page = await history.catchUp({ until: () => this.until ?? Infinity })
      this.onPage(history.symbol, page, first)
    })
    this.#keepBars()
  }

  /** @param {Kind} kind */
  show(kind) {
    this.kind = kind
    this.full = ''
    this.history.look(false) // the chart begins each kind with the newest
    this.barsAt = -Infinity
    this.draw(null)
    this.#keepBars()
  }

  /** The table in the place of the canvas, or not. @param {boolean} table */
  asTable(table) {
    this.table = table
    byId('chart-box').hidden = table
    byId('symbol').classList.toggle('tabular', table)
    this.draw(null)
  }

  /** Another part of time is looked at. */
  async looked() {
    const { history, chart } = this
    history.look(!chart.view.following)
    this.full = ''
    this.draw(null)
    await this.#quietly(history, async () => {
      if (!chart.beforeAll) return
      const full = await (this.kind === 'line' ? history.older(chart.end) : history.olderBars(chart.end))
      if (history === this.history) this.full = full
    })
  }

  /** What can be seen, for a file. */
  seen() {
    return { symbol: this.symbol, interval: this.kind === 'line' ? null : SECONDS[this.kind], ...this.chart.seen() }
  }

  /** Keep the candles as new as the ticks, but ask no more often than people can see. */
  #keepBars() {
    if (this.kind === 'line' || this.until !== null && this.history.interval === this.kind) return
    clearTimeout(this.barsTimer)
    const wait = Math.max(0, this.barsAt + BARS_EVERY_MS - performance.now())
    this.barsTimer = window.setTimeout(() => {
      const { history, kind } = this
      if (kind === 'line' || document.hidden) return
      this.barsAt = performance.now()
      void this.#quietly(history, () => history.askBars(kind))
    }, wait)
  }

  /**
   * Ask, and draw what came; the link's state is told by other questions.
   * @param {History} history @param {() => Promise<void>} ask
   */
  async #quietly(history, ask) {
    let note = ''
    try {
      await ask()
    } catch (error) {
      if (history.left.signal.aborted) return
      if (!(error instanceof NoAnswer)) throw error
      note = error.message
    }
    if (history !== this.history) return
    setText(byId('chart-note'), note ? `Some of this could not be had: ${note}.` : this.full)
    this.draw(null)
  }

  #draw() {
    const { history, kind } = this
    const { symbol, series } = history
    if (symbol === '') return
    const decimals = this.market.decimals(symbol)
    history.look(!this.chart.view.following)
    const newest = series.stream.at(-1) ?? series.newest ?? this.market.entries.get(symbol)?.record
    if (kind === 'line') {
      const { stream, breaks } = history.seenSeries
      this.chart.show({ kind: 'line', records: stream, breaks, newest, alerts: this.#alerts(stream) }, decimals)
    } else if (history.interval === kind) {
      const alerts = this.#alerts(series.records)
      this.chart.show({ kind: 'bars', bars: this.#shownBars(), interval: SECONDS[kind], newest, alerts }, decimals)
    }
    this.#figures(newest, decimals)
    const bars = this.table && kind !== 'line'
    byId('ticks-table').hidden = bars
    byId('bars-table').hidden = !bars
    const seen = this.table ? this.chart.seen() : { records: series.records.slice(-LAST_TICKS), bars: [] }
    if (bars) showBars(byId('bars-rows'), seen.bars.slice(-TABLE_ROWS), decimals)
    else showTicks(byId('ticks-rows'), seen.records.slice(-TABLE_ROWS), decimals)
    const { length } = bars ? seen.bars : seen.records
    byId('ticks-more').hidden = length <= TABLE_ROWS
    setText(byId('ticks-more'), `The newest ${format.count(TABLE_ROWS)} of ${format.count(length)}; CSV holds all of them.`)
  }

  /**
   * Marks for the chart. Candles may go back beyond the ticks that are known; the feed knows alerts from there.
   * @param {TickRecord[]} records
   */
  #alerts(records) {
    const own = records.filter((record) => record.alert).map((record) => ({
      tickId: record.id, time: record.timestamp, price: record.price, change: format.alertChange(record),
    }))
    if (this.kind === 'line') return own
    const known = new Set(own.map(({ tickId }) => tickId))
    const more = this.alerts.shown.filter(({ symbol, tickId }) => symbol === this.symbol && !known.has(tickId))
    return [...own, ...more.map(({ tickId, timestamp: time, price, change }) => ({ tickId, time, price, change }))]
      .sort((a, b) => a.time - b.time)
  }

  /** While the page is paused, a bar that was not over then would show what came after. */
  #shownBars() {
    const { seenBars: bars, series, interval } = this.history
    const end = this.until === null || interval === null ? Infinity : (series.newest?.timestamp ?? 0) - SECONDS[interval]
    return bars.filter((bar) => bar.start <= end)
  }

  /** @param {TickRecord | undefined} newest @param {number} decimals */
  #figures(newest, decimals) {
    const { symbol } = this
    const price = format.price(newest?.price, decimals)
    const average = format.price(newest?.moving_average, decimals)
    setText(byId('symbol-name'), symbol)
    setText(byId('symbol-price'), price)
    setText(byId('symbol-change'), format.signed(newest?.change_pct))
    setText(byId('symbol-average'), average)
    const at = byId('symbol-time')
    setText(at, newest ? format.moment(newest.timestamp, new Date()) : format.UNKNOWN)
    at.title = newest ? format.utc(newest.timestamp) : ''
    const what = newest ? `price ${price}, MA(${this.window}) ${average}; press T for the same as a table` : 'no ticks yet'
    byId('chart').setAttribute('aria-label', `${symbol}: ${what}`)
    document.title = newest ? `${symbol} ${price} · marketlab` : 'marketlab'
    const notebook = /** @type {HTMLAnchorElement} */ (byId('notebook'))
    notebook.hidden = newest === undefined
    if (newest) notebook.href = notebookAddress(symbol, newest.id)
  }
}
