// @ts-check
/** Prices of one symbol over time, as a line with its moving average or as candles. */

import { palette } from '../page/dom.js'
import { SteadyRange } from '../pure/axis.js'
import * as format from '../pure/format.js'
import { View } from '../pure/view.js'
import { drawCandles } from './candles.js'
import { configuration, recolour } from './config.js'
import { drawAlerts, drawCrosshair, drawEnd, drawLastPrice } from './marks.js'

/** @typedef {import('../types.js').TickRecord} TickRecord */
/** @typedef {import('../types.js').Bar} Bar */
/** @typedef {{ x: number, y: number, record: TickRecord | null, bar: Bar | null }} Point */
/** @typedef {import('./marks.js').AlertMark} AlertMark */
/**
 * `records`: of one stream, in order; `newest`: of the symbol, wherever the chart looks.
 * @typedef {{
 *   kind: 'line', records: TickRecord[], breaks: Set<number>, newest: TickRecord | undefined, alerts: AlertMark[],
 * }} Line
 * @typedef {{
 *   kind: 'bars', bars: Bar[], interval: number, newest: TickRecord | undefined, alerts: AlertMark[],
 * }} Candles
 */

const LIVE_POINTS = 600 // more are not told apart on a screen of this width
const LIVE_BARS = 80
const LEAST_BARS = 5
const LABEL_ROOM_PX = 56 // right of the lines, for their names
const MARK_ROOM_PX = 28 // above and below the lines, for an alert's glyph and figure

/** @type {Line} */
const NOTHING = { kind: 'line', records: [], breaks: new Set(), newest: undefined, alerts: [] }

// Chart.js is a classic script and stands on the window.
const { Chart } = /** @type {any} */ (globalThis)

export class PriceChart {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ window: number, onView: () => void }} options
   *   `window`: ticks in the moving average; `onView` is called when another part is looked at
   */
  constructor(canvas, { window, onView }) {
    this.window = window
    this.onView = onView
    this.decimals = 2
    this.view = new View()
    this.range = new SteadyRange()
    /** @type {Line | Candles} */
    this.content = NOTHING
    this.colours = palette()
    this.chart = new Chart(canvas, configuration(this.colours, {
      decimals: () => this.decimals,
      lastPrice: () => this.#last()?.price,
      tip: (point) => this.#tip(point),
      plugin: { id: 'marketlab', beforeDatasetsDraw: () => this.#below(), afterDatasetsDraw: () => this.#above(), resize: () => this.#fit() },
    }))
  }

  /** Forget what was shown: something else comes. */
  reset() {
    this.range.reset()
    this.view.live()
    this.show(NOTHING, 2)
  }

  /** Take the colours of the theme as it is now. */
  paint() {
    this.colours = palette()
    recolour(this.chart, this.colours)
    this.chart.update('none')
  }

  /** @param {Line | Candles} content @param {number} decimals */
  show(content, decimals) {
    if (content.kind !== this.content.kind || (content.kind === 'bars' && this.content.kind === 'bars' && content.interval !== this.content.interval)) {
      this.range.reset()
      this.view.live()
    }
    this.content = content
    this.decimals = decimals
    this.#update()
  }

  /** @param {number} factor @param {number | null} [at] see {@link View.zoom} */
  zoom(factor, at = null) {
    this.#look(() => this.view.zoom(factor, this.#extent(), at))
  }

  /** @param {number} part of the width, negative to the past */
  pan(part) {
    this.#look(() => this.view.pan(part, this.#extent()))
  }

  live() {
    this.#look(() => this.view.live())
  }

  /** What can be seen, oldest first. @returns {{ records: TickRecord[], bars: Bar[] }} */
  seen() {
    const { min, max } = this.view.range(this.#extent())
    const { content } = this
    if (content.kind === 'line') {
      return { records: content.records.filter(({ timestamp }) => timestamp >= min && timestamp <= max), bars: [] }
    }
    return { records: [], bars: content.bars.filter(({ start }) => start + content.interval > min && start < max) }
  }

  /** Where time runs on the canvas, px. */
  get area() {
    const { left = 0, width = 0 } = this.chart.chartArea ?? {}
    return { left, width }
  }

  /** The right edge of what is looked at, seconds. */
  get end() {
    return this.view.range(this.#extent()).max
  }

  /** Whether the left edge stands before everything that is known. */
  get beforeAll() {
    const extent = this.#extent()
    return !this.view.untouched && this.view.range(extent).min <= extent.first
  }

  /** @param {() => void} change */
  #look(change) {
    if (Number.isNaN(this.#extent().last)) return
    change()
    this.range.reset() // a person asked for another range; it need not hold for ten seconds
    this.#update()
    this.onView()
  }

  #extent() {
    const { content } = this
    if (content.kind === 'line') {
      const { records } = content
      const last = records.at(-1)?.timestamp ?? NaN
      const first = records[0]?.timestamp ?? NaN
      this.view.leastSpan = 1
      return { first, last, auto: last - records[Math.max(0, records.length - LIVE_POINTS)]?.timestamp || 1 }
    }
    const { bars, interval } = content
    const last = (bars.at(-1)?.start ?? NaN) + interval
    this.view.leastSpan = LEAST_BARS * interval
    return { first: bars[0]?.start ?? NaN, last, auto: last - bars[Math.max(0, bars.length - LIVE_BARS)]?.start || interval }
  }

  #update() {
    this.#fit()
    this.chart.update('none')
  }

  #fit() {
    if (!this.chart) return // Chart.js asks before its constructor is done
    const { x, y } = this.chart.options.scales
    const { min, max } = this.view.range(this.#extent())
    const known = max > min
    x.display = y.display = known
    const { points, average } = known ? this.#points(min, max) : { points: [], average: [] }
    const [price, dashed] = this.chart.data.datasets
    price.data = points
    dashed.data = average
    price.showLine = this.content.kind === 'line'
    if (!known) return
    const { low, high } = this.#bounds(min, max)
    const { top = 0, bottom = 0 } = this.chart.chartArea ?? {}
    const pad = Math.min(0.5, MARK_ROOM_PX / Math.max(1, bottom - top - 2 * MARK_ROOM_PX))
    if (low <= high) Object.assign(y, this.range.fit(low, high, performance.now(), pad))
    x.min = min
    const room = this.view.following ? (this.content.kind === 'line' ? LABEL_ROOM_PX : 8) : 0
    x.max = max + ((max - min) / Math.max(1, this.chart.width - room - 64)) * room
  }

  /** Points within, and one more on either side for the line to come from and go to. @param {number} min @param {number} max */
  #points(min, max) {
    /** @type {Point[]} */
    const points = []
    /** @type {{ x: number, y: number }[]} */
    const average = []
    const { content } = this
    if (content.kind === 'bars') {
      let close = NaN
      for (const bar of content.bars) {
        close = bar.close ?? close
        if (bar.start + content.interval > min && bar.start < max) {
          points.push({ x: bar.start + content.interval / 2, y: close, record: null, bar })
        }
      }
      return { points, average }
    }
    const { records, breaks } = content
    const first = Math.max(0, place(records, min) - 1)
    const last = Math.min(records.length, place(records, max, { after: true }) + 1)
    for (const record of records.slice(first, last)) {
      const x = record.timestamp
      if (breaks.has(record.id) && points.length > 0) {
        points.push({ x, y: NaN, record: null, bar: null })
        average.push({ x, y: NaN })
      }
      points.push({ x, y: record.price, record, bar: null })
      average.push({ x, y: record.moving_average ?? NaN })
    }
    return { points, average }
  }

  /** Lowest and highest price within. @param {number} min @param {number} max */
  #bounds(min, max) {
    let low = Infinity
    let high = -Infinity
    const { records, bars } = this.seen()
    for (const { price } of records) {
      if (price < low) low = price
      if (price > high) high = price
    }
    for (const bar of bars) {
      if (bar.low !== null && bar.low < low) low = bar.low
      if (bar.high !== null && bar.high > high) high = bar.high
    }
    return { low, high }
  }

  /** The newest price, and where it stands. */
  #last() {
    const record = this.content.newest
    return record && { time: record.timestamp, price: record.price, average: record.moving_average }
  }

  /** @param {Point} point */
  #tip({ x, record, bar }) {
    const price = (/** @type {number | null} */ value) => format.price(value, this.decimals)
    if (record) {
      return {
        title: format.moment(x, new Date(), { ms: true }),
        lines: [`price  ${price(record.price)}`, `MA(${this.window})  ${price(record.moving_average)}`, `change  ${format.signed(record.change_pct)}`],
        footer: format.utc(x),
      }
    }
    if (!bar) return null
    const lines = bar.ticks === 0
      ? ['no tick in this interval']
      : [`open  ${price(bar.open)}`, `high  ${price(bar.high)}`, `low  ${price(bar.low)}`, `close  ${price(bar.close)}`, `ticks  ${format.count(bar.ticks)}`]
    return { title: format.moment(bar.start, new Date()), lines, footer: format.utc(bar.start) }
  }

  #plot() {
    const { ctx, chartArea: area, scales, width } = this.chart
    const x = (/** @type {number} */ time) => scales.x.getPixelForValue(time)
    const y = (/** @type {number} */ price) => scales.y.getPixelForValue(price)
    return { ctx, area, x, y, colours: this.colours, width }
  }

  #below() {
    const plot = this.#plot()
    const [active] = this.chart.tooltip?.getActiveElements() ?? []
    plot.ctx.save()
    if (active) drawCrosshair(plot, active.element.x)
    const { content } = this
    if (content.kind === 'bars') {
      clip(plot)
      drawCandles(plot, content.bars.filter((bar) => bar.start < this.view.range(this.#extent()).max), content.interval)
    }
    plot.ctx.restore()
  }

  #above() {
    const last = this.#last()
    if (!last) return
    const plot = this.#plot()
    plot.ctx.save()
    drawAlerts(plot, this.content.alerts)
    if (this.content.kind === 'line' && this.view.following) drawEnd(plot, { ...last, name: `MA(${this.window})` })
    drawLastPrice(plot, last.price, format.price(last.price, this.decimals))
    plot.ctx.restore()
  }
}

/**
 * The first index whose time is at or after, or only after.
 * @param {TickRecord[]} records @param {number} time
 */
function place(records, time, { after = false } = {}) {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { timestamp } = records[middle]
    if (timestamp < time || (after && timestamp === time)) low = middle + 1
    else high = middle
  }
  return low
}

/** @param {import('./marks.js').Plot} plot */
function clip({ ctx, area }) {
  ctx.beginPath()
  ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top)
  ctx.clip()
}
