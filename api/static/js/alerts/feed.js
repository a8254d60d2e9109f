// @ts-check
/** The feed of alerts, newest first; or how near the market came to one. */

import { make, setText } from '../page/dom.js'
import { writeAddress } from '../pure/address.js'
import * as format from '../pure/format.js'

/** @typedef {import('../pure/alertlist.js').AlertList} AlertList */
/** @typedef {import('../pure/alertlist.js').Shown} Shown */
/** @typedef {import('../types.js').TickRecord} TickRecord */

export const FRESH_MS = 10_000
const SAY_EVERY_MS = 5000 // alerts in a row are said in one sentence

export class AlertFeed {
  /**
   * @param {AlertList} alerts
   * @param {{ list: HTMLElement, none: HTMLElement, said: HTMLElement, count: HTMLElement }} elements
   *   `said` is read out by screen readers
   * @param {{ thresholdPct: number, onSelect: (symbol: string) => void, decimals: (symbol: string) => number }} options
   */
  constructor(alerts, elements, { thresholdPct, onSelect, decimals }) {
    this.alerts = alerts
    this.elements = elements
    this.thresholdPct = thresholdPct
    this.decimals = decimals
    /** @type {Map<number, HTMLElement>} by the tick's id */
    this.items = new Map()
    /** @type {Shown[]} */
    this.unsaid = []
    this.saidAt = -Infinity
    this.timer = 0
    elements.list.addEventListener('click', (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest('button')
      if (button?.dataset.symbol) onSelect(button.dataset.symbol)
    })
  }

  /** Show the list as it is now. @param {Shown[]} news those that came just now */
  show(news) {
    const { list, count, none } = this.elements
    const { shown, most } = this.alerts
    const present = new Set(shown.map(({ tickId }) => tickId))
    for (const [tickId, item] of this.items) {
      if (present.has(tickId)) continue
      item.remove()
      this.items.delete(tickId)
    }
    const today = new Date()
    shown.forEach((alert, index) => {
      let item = this.items.get(alert.tickId)
      if (item && item.dataset.alert !== String(alert.id)) {
        item.remove() // it was known by its record alone, and now by its number
        item = undefined
      }
      if (!item) this.items.set(alert.tickId, (item = this.#make(alert)))
      // What is today's now is yesterday's after midnight. The year stands behind it, with UTC: there is no room.
      setText(/** @type {Node} */ (item.querySelector('time')), format.moment(alert.timestamp, today, { year: false }))
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null)
    })
    for (const { tickId } of news) this.#freshen(tickId)
    setText(count, shown.length === 0 ? '' : `${format.count(shown.length)}${shown.length === most ? '+' : ''}`)
    if (shown.length > 0) none.hidden = true
    this.unsaid.push(...news)
    if (news.length > 0) this.#say()
  }

  /** What to say while there is none. @param {TickRecord | null} largest */
  none(largest) {
    const { none } = this.elements
    const text = `none ≥ ${format.threshold(this.thresholdPct)}`
    const change = largest?.change_pct
    setText(none, change ? `${text}, largest move ${format.move(change)}` : text)
    none.title = largest ? `${largest.symbol}, ${format.utc(largest.timestamp)}` : ''
    none.hidden = false
  }

  /** @param {number} tickId */
  #freshen(tickId) {
    const item = this.items.get(tickId)
    item?.classList.add('fresh')
    setTimeout(() => item?.classList.remove('fresh'), FRESH_MS)
  }

  #say() {
    clearTimeout(this.timer)
    const wait = this.saidAt + SAY_EVERY_MS - performance.now()
    if (wait > 0) {
      this.timer = window.setTimeout(() => this.#say(), wait)
      return
    }
    this.saidAt = performance.now()
    const { length } = this.unsaid
    const last = this.unsaid.at(-1)?.text ?? ''
    setText(this.elements.said, length === 1 ? last : `${format.count(length)} alerts, the last: ${last}`)
    this.unsaid = []
  }

  /** @param {Shown} alert */
  #make({ id, symbol, text, price, previous, change, timestamp }) {
    const decimals = Math.max(
      this.decimals(symbol), format.decimalsOf(price), previous === null ? 0 : format.decimalsOf(previous),
    )
    const to = format.price(price, decimals)
    return make(
      'li',
      { 'data-alert': String(id) },
      make(
        'button',
        { type: 'button', 'data-symbol': symbol, title: text },
        make('span', { class: 'mark', 'aria-hidden': 'true' }, format.alertGlyph(change)),
        make('span', { class: 'name' }, symbol),
        make('span', { class: 'change' }, format.change(change)),
        make('time', { datetime: new Date(timestamp * 1000).toISOString(), title: format.utc(timestamp) }),
        make('span', { class: 'from-to' }, previous === null ? to : `${format.price(previous, decimals)} → ${to}`),
      ),
      ...(id === null ? [] : [make('a', { class: 'why', href: writeAddress(symbol, id), 'aria-label': `why did ${symbol} alert?` }, 'why?')]),
    )
  }
}
