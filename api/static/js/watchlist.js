// @ts-check
/** The list of symbols: last price, change, average, a sparkline and the mark of an alert. */

import { make, setText } from './dom.js'
import * as format from './format.js'
import { SPARK_POINTS, drawSpark } from './spark.js'

/** @typedef {import('./types.js').TickRecord} TickRecord */

const FRESH_MS = 10_000
const LONG_DECIMALS = 5 // prices with more need the sparkline's room on a phone

/**
 * @typedef {{
 *   element: HTMLTableRowElement, mark: HTMLElement, last: HTMLElement, change: HTMLElement, average: HTMLElement,
 *   spark: HTMLCanvasElement, record: TickRecord, prices: number[], decimals: number, filled: boolean,
 *   seen: boolean, calm: ReturnType<typeof setTimeout> | undefined,
 * }} Row
 */

export class Watchlist {
  /**
   * @param {HTMLElement} body the table's body
   * @param {{
   *   onSelect: (symbol: string) => void,
   *   history: (symbol: string, limit: number) => Promise<TickRecord[]>,
   * }} hooks
   */
  constructor(body, { onSelect, history }) {
    this.body = body
    this.onSelect = onSelect
    this.history = history
    this.colour = ''
    /** @type {string | null} */
    this.selected = null
    /** @type {Map<string, Row>} */
    this.rows = new Map()
    /** @type {string[]} symbols in view that wait for their history */
    this.wanted = []
    this.filling = false
    this.inView = new IntersectionObserver((entries) => this.#onView(entries))
    body.addEventListener('click', (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest('tr')
      if (row?.dataset.symbol) this.select(row.dataset.symbol)
    })
  }

  /**
   * Show the latest records.
   * @param {TickRecord[]} records by symbol
   * @returns {Set<string>} symbols with a new tick
   */
  update(records) {
    const moved = new Set()
    const present = new Set(records.map((record) => record.symbol))
    for (const [symbol, row] of this.rows) if (!present.has(symbol)) this.#drop(symbol, row)
    records.forEach((record, index) => {
      let row = this.rows.get(record.symbol)
      if (!row) {
        row = this.#make(record)
        this.rows.set(record.symbol, row)
        this.body.insertBefore(row.element, this.body.children[index] ?? null)
        this.inView.observe(row.element)
        moved.add(record.symbol)
      } else if (row.record.id !== record.id) {
        this.#push(row, record)
        moved.add(record.symbol)
      }
    })
    return moved
  }

  /** Show a record that came by another way than the list. @param {TickRecord} record */
  refresh(record) {
    const row = this.rows.get(record.symbol)
    if (row && record.id > row.record.id) this.#push(row, record)
  }

  /** @param {string} symbol */
  select(symbol, { focus = false } = {}) {
    const row = this.rows.get(symbol)
    if (!row) return
    if (this.selected !== symbol) {
      const before = this.selected === null ? undefined : this.rows.get(this.selected)
      if (before) this.#choose(before, false)
      this.selected = symbol
      this.#choose(row, true)
      this.onSelect(symbol)
    }
    if (focus) row.element.focus({ preventScroll: true })
    row.element.scrollIntoView({ block: 'nearest' })
  }

  /**
   * Move the selection.
   * @param {number} step rows down, negative for up, infinite for an end
   */
  move(step) {
    const symbols = [...this.rows.keys()].sort((a, b) => this.#place(a) - this.#place(b))
    if (symbols.length === 0) return
    const at = this.selected === null ? -1 : symbols.indexOf(this.selected)
    this.select(symbols[Math.min(symbols.length - 1, Math.max(0, at + step))], { focus: true })
  }

  /**
   * Put the mark of its newest alert beside a symbol.
   * @param {string} symbol
   * @param {{ change: number | null, title: string, fresh: boolean }} alert
   */
  mark(symbol, { change, title, fresh }) {
    const row = this.rows.get(symbol)
    if (!row) return
    setText(row.mark, format.alertGlyph(change))
    row.mark.title = title
    row.mark.setAttribute('role', 'img')
    row.mark.setAttribute('aria-label', title)
    if (!fresh) return
    clearTimeout(row.calm)
    row.element.classList.add('fresh')
    row.calm = setTimeout(() => row.element.classList.remove('fresh'), FRESH_MS)
  }

  /** Take all marks away. */
  unmark() {
    for (const { mark } of this.rows.values()) mark.replaceChildren()
  }

  /** Decimals in which a symbol's prices are written. @param {string} symbol */
  decimals(symbol) {
    return this.rows.get(symbol)?.decimals ?? 2
  }

  /** Learn from prices that stand elsewhere, so that a symbol is written alike everywhere. @param {string} symbol @param {TickRecord[]} records */
  learn(symbol, records) {
    const row = this.rows.get(symbol)
    if (!row) return
    const before = row.decimals
    for (const record of records) row.decimals = Math.max(row.decimals, format.decimalsOf(record.price))
    if (row.decimals !== before) this.#show(row)
  }

  /** @param {string} colour */
  paint(colour) {
    this.colour = colour
    for (const row of this.rows.values()) if (row.seen) drawSpark(row.spark, row.prices, colour)
  }

  /** @param {string} symbol */
  #place(symbol) {
    return this.rows.get(symbol)?.element.rowIndex ?? 0
  }

  /** @param {TickRecord} record @returns {Row} */
  #make(record) {
    const mark = make('span', { class: 'mark' })
    const spark = make('canvas', { class: 'spark', 'aria-hidden': 'true' })
    const last = make('td', { class: 'number' })
    const change = make('td', { class: 'number change' })
    const average = make('td', { class: 'number average' })
    const element = make(
      'tr',
      { 'data-symbol': record.symbol, tabindex: -1, 'aria-selected': 'false' },
      make('th', { scope: 'row', title: record.symbol },
        make('span', { class: 'label' }, make('span', { class: 'name' }, record.symbol), mark)),
      make('td', { class: 'spark-cell' }, spark),
      last,
      change,
      average,
    )
    const row = {
      element, mark, last, change, average, spark, record, decimals: 2,
      prices: record.late ? [] : [record.price], filled: false, seen: false, calm: undefined,
    }
    this.#show(row)
    return row
  }

  /** @param {Row} row @param {TickRecord} record */
  #push(row, record) {
    const other = record.run !== row.record.run || record.partition !== row.record.partition
    if (other) row.prices = []
    if (!record.late) row.prices.push(record.price)
    if (row.prices.length > SPARK_POINTS) row.prices.splice(0, row.prices.length - SPARK_POINTS)
    row.record = record
    this.#show(row)
  }

  /** @param {Row} row */
  #show(row) {
    const { record } = row
    row.decimals = Math.max(row.decimals, format.decimalsOf(record.price))
    setText(row.last, format.price(record.price, row.decimals))
    setText(row.change, `${format.glyph(record.change_pct)} ${format.change(record.change_pct)}`.trim())
    setText(row.average, format.price(record.moving_average, row.decimals))
    row.last.title = format.utc(record.timestamp)
    if (row.decimals > LONG_DECIMALS) this.body.closest('table')?.classList.add('long')
    if (row.seen) drawSpark(row.spark, row.prices, this.colour)
  }

  /** @param {Row} row @param {boolean} chosen */
  #choose(row, chosen) {
    row.element.setAttribute('aria-selected', String(chosen))
    row.element.tabIndex = chosen ? 0 : -1
  }

  /** @param {string} symbol @param {Row} row */
  #drop(symbol, row) {
    clearTimeout(row.calm)
    this.inView.unobserve(row.element)
    row.element.remove()
    this.rows.delete(symbol)
    if (this.selected === symbol) this.selected = null
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onView(entries) {
    for (const { target, isIntersecting } of entries) {
      const symbol = /** @type {HTMLElement} */ (target).dataset.symbol ?? ''
      const row = this.rows.get(symbol)
      if (!row) continue
      row.seen = isIntersecting
      if (!isIntersecting) continue
      drawSpark(row.spark, row.prices, this.colour)
      if (!row.filled) {
        row.filled = true
        this.wanted.push(symbol)
      }
    }
    void this.#fill()
  }

  /** Fetch the past of the rows in view, one after the other: the live questions go before. */
  async #fill() {
    if (this.filling) return
    this.filling = true
    for (let symbol = this.wanted.shift(); symbol !== undefined; symbol = this.wanted.shift()) {
      try {
        const page = await this.history(symbol, SPARK_POINTS)
        const row = this.rows.get(symbol)
        if (row) this.#prepend(row, page)
      } catch {
        // The sparkline grows from now on instead; the link's state is told by the questions that matter.
      }
    }
    this.filling = false
  }

  /** @param {Row} row @param {TickRecord[]} page newest first */
  #prepend(row, page) {
    this.learn(row.record.symbol, page)
    const { run, partition } = row.record
    const past = page.filter((record) => !record.late && record.run === run && record.partition === partition)
    if (past.length <= row.prices.length) return
    row.prices = past.map((record) => record.price).reverse()
    if (row.seen) drawSpark(row.spark, row.prices, this.colour)
  }
}
