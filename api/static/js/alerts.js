// @ts-check
/** The feed of alerts, newest first; or how near the market came to one. */

import { make, setText } from './dom.js'
import * as format from './format.js'

/** @typedef {import('./types.js').Alert} Alert */
/** @typedef {import('./types.js').TickRecord} TickRecord */

/**
 * An alert as the feed shows it, by the id of its tick. What a posted record does not say is null.
 * @typedef {{
 *   tickId: number, symbol: string, text: string, price: number, previous: number | null, change: number | null,
 *   timestamp: number, partition: number | null, offset: number | null,
 * }} Shown
 */

const FRESH_MS = 10_000

/** @param {Alert} alert @returns {Shown} */
function ofAlert(alert) {
  return { ...alert, tickId: alert.tick_id, previous: alert.previous_price, change: alert.change_pct }
}

/** @param {TickRecord} record @returns {Shown} */
function ofRecord(record) {
  return { ...record, tickId: record.id, text: record.alert ?? '', previous: null, change: format.alertChange(record) }
}

export class AlertFeed {
  /**
   * @param {{ list: HTMLElement, none: HTMLElement, said: HTMLElement, count: HTMLElement }} elements
   *   `said` is read out by screen readers
   * @param {{
   *   most: number, thresholdPct: number, onSelect: (symbol: string) => void, decimals: (symbol: string) => number,
   * }} options `most`: alerts shown
   */
  constructor(elements, { most, thresholdPct, onSelect, decimals }) {
    this.elements = elements
    this.most = most
    this.thresholdPct = thresholdPct
    this.decimals = decimals
    /** @type {Map<number, HTMLElement>} by the tick's id */
    this.items = new Map()
    /** Alerts that came with records: posted ones stand in no other list. @type {Map<number, Shown>} */
    this.noted = new Map()
    /** @type {Set<number>} */
    this.past = new Set()
    this.first = true
    elements.list.addEventListener('click', (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest('button')
      if (button?.dataset.symbol) onSelect(button.dataset.symbol)
    })
  }

  /**
   * Remember the alerts among records.
   * @param {TickRecord[]} records
   * @param {{ past?: boolean }} [options] `past`: they are old news
   */
  note(records, { past = false } = {}) {
    for (const record of records) {
      if (!record.alert || this.items.has(record.id) || this.noted.has(record.id)) continue
      this.noted.set(record.id, ofRecord(record))
      if (past) this.past.add(record.id)
    }
  }

  /** Forget everything: another database answers. */
  forget() {
    this.noted.clear()
    this.past.clear()
    this.items.clear()
    this.elements.list.replaceChildren()
    this.first = true
  }

  /**
   * @param {Alert[]} alerts newest first
   * @returns {{ shown: Shown[], fresh: Set<number> }} newest first, and the ids of ticks that were not there before
   */
  update(alerts) {
    const all = new Map([...this.noted, ...alerts.map((alert) => /** @type {[number, Shown]} */ ([alert.tick_id, ofAlert(alert)]))])
    const shown = [...all.values()].sort((a, b) => b.tickId - a.tickId).slice(0, this.most)
    const present = new Set(shown.map(({ tickId }) => tickId))
    for (const tickId of this.noted.keys()) if (!present.has(tickId)) this.noted.delete(tickId)
    for (const tickId of this.past) if (!present.has(tickId)) this.past.delete(tickId)
    for (const [tickId, item] of this.items) {
      if (present.has(tickId)) continue
      item.remove()
      this.items.delete(tickId)
    }
    const fresh = this.first ? [] : shown.filter(({ tickId }) => !this.items.has(tickId) && !this.past.has(tickId))
    shown.forEach((alert, index) => this.#place(alert, index))
    for (const { tickId } of fresh) this.#freshen(tickId)
    this.first = false
    const { said, count, none } = this.elements
    setText(count, shown.length === 0 ? '' : `${format.count(shown.length)}${shown.length === this.most ? '+' : ''}`)
    if (fresh.length > 0) setText(said, fresh.map(({ text }) => text).join('. '))
    if (shown.length > 0) none.hidden = true
    return { shown, fresh: new Set(fresh.map(({ tickId }) => tickId)) }
  }

  /**
   * What to say while there is none.
   * @param {TickRecord | null} largest
   */
  none(largest) {
    const none = `none ≥ ${format.threshold(this.thresholdPct)}`
    const change = largest?.change_pct
    setText(this.elements.none, change ? `${none}, largest move ${format.move(change)}` : none)
    this.elements.none.title = largest ? `${largest.symbol}, ${format.utc(largest.timestamp)}` : ''
    this.elements.none.hidden = false
  }

  /** @param {Shown} alert @param {number} index */
  #place(alert, index) {
    if (this.items.has(alert.tickId)) return
    const item = this.#make(alert)
    this.items.set(alert.tickId, item)
    this.elements.list.insertBefore(item, this.elements.list.children[index] ?? null)
  }

  /** @param {number} tickId */
  #freshen(tickId) {
    const item = this.items.get(tickId)
    item?.classList.add('fresh')
    setTimeout(() => item?.classList.remove('fresh'), FRESH_MS)
  }

  /** @param {Shown} alert */
  #make({ symbol, text, price, previous, change, timestamp, partition, offset }) {
    const decimals = Math.max(
      this.decimals(symbol), format.decimalsOf(price), previous === null ? 0 : format.decimalsOf(previous),
    )
    const to = format.price(price, decimals)
    return make(
      'li',
      {},
      make(
        'button',
        { type: 'button', 'data-symbol': symbol, title: text },
        make('span', { class: 'mark', 'aria-hidden': 'true' }, format.alertGlyph(change)),
        make('span', { class: 'name' }, symbol),
        make('span', { class: 'change' }, format.change(change)),
        make('time', { datetime: new Date(timestamp * 1000).toISOString(), title: format.utc(timestamp) },
          format.clock(timestamp)),
        make('span', { class: 'from-to' }, previous === null ? to : `${format.price(previous, decimals)} → ${to}`),
        partition === null || offset === null
          ? make('span', { class: 'place' })
          : make('span', { class: 'place', title: 'partition and offset in the log' }, `${partition}@${format.count(offset)}`),
      ),
    )
  }
}
