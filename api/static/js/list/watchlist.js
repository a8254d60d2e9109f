// @ts-check
/** The list of symbols. Only rows that can be seen exist, so that thousands of symbols cost what thirty do. */

import { newestPerFrame, setText } from '../page/dom.js'
import * as format from '../pure/format.js'
import { BY_SYMBOL, arrange } from '../pure/order.js'
import { Row } from './row.js'

/** @typedef {import('../pure/market.js').Entry} Entry */
/** @typedef {import('../pure/market.js').Market} Market */

const BEYOND = 4 // rows made above and below what is seen
const LONG_PRICE = 9 // characters
const REARRANGE_MS = 1000 // rows that change places with every tick cannot be read

export class Watchlist {
  /**
   * @param {Market} market
   * @param {{ frame: HTMLElement, scroller: HTMLElement, head: HTMLElement, rows: HTMLElement, none: HTMLElement }} elements
   *   `frame` is as wide as the rows want to be
   * @param {{ onSelect: (symbol: string) => void, onSeen: (entries: Entry[]) => void }} hooks
   *   `onSeen` is told which symbols are in view
   */
  constructor(market, elements, { onSelect, onSeen }) {
    this.market = market
    this.elements = elements
    this.onSelect = onSelect
    this.onSeen = onSeen
    this.colour = ''
    this.text = ''
    this.order = BY_SYMBOL
    /** @type {string | null} */
    this.selected = null
    /** @type {Entry[]} */
    this.listed = []
    /** @type {Map<string, Row>} */
    this.shown = new Map()
    /** Symbols whose rows are to be written again; null: all. @type {Set<string> | null} */
    this.stale = null
    this.arrangedAt = -Infinity
    this.members = -1
    this.pointed = false
    this.draw = newestPerFrame(() => this.#draw())
    const { scroller, rows } = elements
    scroller.addEventListener('scroll', () => this.draw(null), { passive: true })
    new ResizeObserver(() => this.draw(null)).observe(scroller)
    rows.addEventListener('pointerenter', () => (this.pointed = true))
    rows.addEventListener('pointerleave', () => (this.pointed = false))
    rows.addEventListener('click', (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest('[data-symbol]')
      if (row instanceof HTMLElement && row.dataset.symbol) this.select(row.dataset.symbol)
    })
  }

  /** The market changed. @param {Iterable<string> | null} symbols whose; null: any */
  update(symbols) {
    if (symbols === null) this.stale = null
    else if (this.stale) for (const symbol of symbols) this.stale.add(symbol)
    this.draw(null)
  }

  /** @param {{ text?: string, order?: import('../pure/order.js').Order }} wish what is to be listed, and in which order */
  arrange({ text = this.text, order = this.order }) {
    this.text = text
    this.order = order
    this.arrangedAt = -Infinity
    this.elements.scroller.scrollTop = 0
    this.draw(null)
  }

  /** @param {string} colour of the sparklines */
  paint(colour) {
    this.colour = colour
    this.update(null)
  }

  /** @param {string} symbol */
  select(symbol, { focus = false } = {}) {
    if (!this.market.entries.has(symbol)) return
    if (this.selected !== symbol) {
      this.selected = symbol
      this.stale = null
      this.onSelect(symbol)
    }
    this.#reveal(symbol)
    this.#draw()
    if (focus) this.shown.get(symbol)?.element.focus({ preventScroll: true })
  }

  /** Move the selection. @param {number} step rows down, negative for up, infinite for an end */
  move(step) {
    if (this.listed.length === 0) return
    const at = this.listed.findIndex((entry) => entry.symbol === this.selected)
    const to = at < 0 ? 0 : Math.min(this.listed.length - 1, Math.max(0, at + step))
    this.select(this.listed[to].symbol, { focus: true })
  }

  /** Go from the filter to the list: the first row that is left, unless the chosen one is. */
  enter() {
    this.#draw()
    const { selected, listed } = this
    const symbol = listed.some((entry) => entry.symbol === selected) ? selected : listed[0]?.symbol
    if (symbol) this.select(symbol, { focus: true })
  }

  /** Rows that fit into the list. */
  get pageSize() {
    return Math.max(1, Math.floor(this.#seenHeight() / this.#rowHeight()) - 1)
  }

  #rowHeight() {
    return parseFloat(getComputedStyle(this.elements.rows).getPropertyValue('--ml-row')) || 28
  }

  #seenHeight() {
    return this.elements.scroller.clientHeight - this.elements.head.offsetHeight
  }

  /** @param {string} symbol */
  #reveal(symbol) {
    const index = this.listed.findIndex((entry) => entry.symbol === symbol)
    if (index < 0) return
    const { scroller } = this.elements
    const height = this.#rowHeight()
    const top = index * height
    const room = this.#seenHeight()
    if (top < scroller.scrollTop) scroller.scrollTop = top
    else if (top + height > scroller.scrollTop + room) scroller.scrollTop = top + height - room
  }

  #arrange() {
    const now = performance.now()
    const { entries, members } = this.market
    const forced = this.arrangedAt === -Infinity || this.members !== members
    const due = !this.pointed && now - this.arrangedAt >= REARRANGE_MS
    if (!forced && !due) return
    this.arrangedAt = now
    this.members = members
    this.listed = arrange(entries.values(), this.text, this.order)
    const { frame, rows, none } = this.elements
    const height = `${this.listed.length * this.#rowHeight()}px`
    if (rows.style.height !== height) {
      rows.style.height = height
      frame.style.setProperty('--listed', String(Math.max(1, this.listed.length)))
    }
    rows.parentElement?.setAttribute('aria-rowcount', String(this.listed.length + 1))
    none.hidden = this.listed.length > 0 || entries.size === 0
    if (!none.hidden) setText(none, `No symbol holds “${this.text.trim()}”.`)
  }

  #draw() {
    this.#arrange()
    const height = this.#rowHeight()
    const first = Math.max(0, Math.floor(this.elements.scroller.scrollTop / height) - BEYOND)
    const last = Math.min(this.listed.length, first + Math.ceil(this.#seenHeight() / height) + 2 * BEYOND + 1)
    const seen = this.listed.slice(first, last)
    const wanted = new Map(seen.map((entry, index) => [entry.symbol, { entry, index: first + index }]))
    this.#keepFocused(wanted)
    const spare = [...this.shown].filter(([symbol]) => !wanted.has(symbol))
    for (const [symbol] of spare) this.shown.delete(symbol)
    const now = Date.now()
    const tabbed = this.selected !== null && wanted.has(this.selected) ? this.selected : seen[0]?.symbol
    for (const [symbol, { entry, index }] of wanted) {
      let row = this.shown.get(symbol)
      const given = row === undefined
      if (row === undefined) {
        row = spare.pop()?.[1] ?? new Row()
        this.shown.set(symbol, row)
      }
      row.place(entry, index, height)
      if (given || this.stale === null || this.stale.has(symbol)) {
        row.show(entry, { colour: this.colour, now, selected: symbol === this.selected })
      }
      row.element.tabIndex = symbol === tabbed ? 0 : -1
    }
    for (const [, row] of spare) row.element.remove()
    this.#inOrder([...wanted.keys()])
    this.stale = new Set()
    const length = String(this.market.priceLength)
    const { style, classList } = this.elements.frame
    if (style.getPropertyValue('--price') !== length) style.setProperty('--price', length)
    classList.toggle('long', this.market.priceLength > LONG_PRICE)
    this.onSeen(seen)
  }

  /** A row that has the focus stays, even out of sight: a person may go on from it. @param {Map<string, { entry: Entry, index: number }>} wanted */
  #keepFocused(wanted) {
    const focused = this.elements.rows.contains(document.activeElement) ? this.selected : null
    if (focused === null || wanted.has(focused)) return
    const index = this.listed.findIndex((entry) => entry.symbol === focused)
    if (index >= 0) wanted.set(focused, { entry: this.listed[index], index })
  }

  /** Rows stand in the document as they stand on the screen: that is how they are read out. @param {string[]} symbols */
  #inOrder(symbols) {
    const { rows } = this.elements
    const focused = /** @type {HTMLElement | null} */ (rows.contains(document.activeElement) ? document.activeElement : null)
    symbols.forEach((symbol, index) => {
      const element = /** @type {Row} */ (this.shown.get(symbol)).element
      if (rows.children[index] !== element) rows.insertBefore(element, rows.children[index] ?? null)
    })
    if (focused && focused !== document.activeElement) focused.focus({ preventScroll: true })
  }
}
