// @ts-check
/** One row of the list; it is given one symbol after the other as the list scrolls. */

import { make, setText } from '../page/dom.js'
import * as format from '../pure/format.js'
import { drawSpark } from './spark.js'

/** @typedef {import('../pure/market.js').Entry} Entry */

export class Row {
  constructor() {
    this.symbol = ''
    this.index = -1
    this.top = NaN
    this.name = make('span', { class: 'name' })
    this.mark = make('span', { class: 'mark', role: 'img' })
    this.spark = make('canvas', { class: 'spark', 'aria-hidden': 'true' })
    this.last = make('span', { class: 'number', role: 'gridcell' })
    this.change = make('span', { class: 'number', role: 'gridcell' })
    this.average = make('span', { class: 'number average', role: 'gridcell' })
    this.head = make('span', { class: 'label', role: 'rowheader' }, this.name, this.mark)
    this.element = make('div', { class: 'row', role: 'row', tabindex: -1, 'aria-selected': 'false' },
      this.head, make('span', { class: 'spark-cell', role: 'gridcell' }, this.spark), this.last, this.change, this.average)
  }

  /**
   * @param {Entry} entry
   * @param {number} index from 0 in the list as it is arranged
   * @param {number} height px
   */
  place(entry, index, height) {
    if (this.symbol !== entry.symbol) {
      this.symbol = entry.symbol
      this.element.dataset.symbol = entry.symbol
      this.head.title = entry.symbol
      setText(this.name, entry.symbol)
    }
    const top = index * height
    if (this.top !== top) {
      this.top = top
      this.element.style.transform = `translateY(${top}px)`
    }
    if (this.index !== index) {
      this.index = index
      this.element.setAttribute('aria-rowindex', String(index + 2)) // the head is the first
    }
  }

  /**
   * @param {Entry} entry
   * @param {{ colour: string, now: number, selected: boolean }} options `now`: ms, as the marks' times
   */
  show({ record, points, decimals, mark }, { colour, now, selected }) {
    setText(this.last, format.price(record.price, decimals))
    setText(this.change, format.signed(record.change_pct))
    setText(this.average, format.price(record.moving_average, decimals))
    this.last.title = `${format.moment(record.timestamp, new Date())} · ${format.utc(record.timestamp)}`
    this.mark.hidden = mark === null
    if (mark) {
      setText(this.mark, mark.glyph)
      this.mark.title = mark.title
      this.mark.setAttribute('aria-label', mark.title)
    } else this.mark.textContent = ''
    this.element.classList.toggle('fresh', mark !== null && mark.freshUntil > now)
    this.choose(selected)
    drawSpark(this.spark, points.map(({ price }) => price), colour)
  }

  /** @param {boolean} selected */
  choose(selected) {
    const text = String(selected)
    if (this.element.getAttribute('aria-selected') === text) return
    this.element.setAttribute('aria-selected', text)
    this.element.tabIndex = selected ? 0 : -1
  }
}
