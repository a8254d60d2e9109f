// @ts-check
/** Price and moving average of one symbol. Chart.js draws the lines and axes; what is ours is drawn beside them. */

import { SteadyRange, roundTicks, timeTicks } from './axis.js'
import { palette } from './dom.js'
import * as format from './format.js'

/** @typedef {import('./types.js').TickRecord} TickRecord */
/** @typedef {import('./dom.js').Palette} Palette */
/** @typedef {{ x: number, y: number, record: TickRecord | null }} Point */

const POINTS = 600 // more are not told apart on a screen of this width
const LABEL_ROOM_PX = 56 // right of the lines, for their names
const MARK_ROOM_PX = 28 // above and below the lines, for an alert's glyph and figure
const AXIS_TEXT_PX = 12
const TIME_LABEL_HALF_PX = 30
const LAST_PRICE_PX = 20 // height of the last price at the axis

// Chart.js is a classic script and stands on the window.
const { Chart } = /** @type {any} */ (globalThis)

export class PriceChart {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ window: number }} options ticks in the moving average
   */
  constructor(canvas, { window }) {
    this.window = window
    this.decimals = 2
    this.range = new SteadyRange()
    /** @type {Point[]} */
    this.points = []
    /** @type {Palette} */
    this.colours = palette()
    this.chart = new Chart(canvas, this.#config())
  }

  /** Forget what was shown: another symbol comes. */
  reset() {
    this.range.reset()
    this.show([], new Set(), 2)
  }

  /** Take the colours of the theme as it is now. */
  paint() {
    this.colours = palette()
    const { price, average } = this.#datasets()
    price.borderColor = this.colours.accent
    average.borderColor = this.colours.ink
    const { x, y } = this.chart.options.scales
    x.ticks.color = y.ticks.color = this.colours.muted
    y.grid.color = this.colours.rule
    Object.assign(this.chart.options.plugins.tooltip, tooltipColours(this.colours))
    this.chart.update('none')
  }

  /**
   * @param {TickRecord[]} records of one stream, in order
   * @param {Set<number>} breaks ids before which records may be missing
   * @param {number} decimals
   */
  show(records, breaks, decimals) {
    this.decimals = decimals
    this.points = []
    const average = []
    for (const record of records.slice(-POINTS)) {
      const x = record.timestamp
      if (breaks.has(record.id) && this.points.length > 0) {
        this.points.push({ x, y: NaN, record: null })
        average.push({ x, y: NaN })
      }
      this.points.push({ x, y: record.price, record })
      average.push({ x, y: record.moving_average ?? NaN })
    }
    const { price, average: dashed } = this.#datasets()
    price.data = this.points
    dashed.data = average
    this.#fit()
    this.chart.update('none')
  }

  #datasets() {
    const [price, average] = this.chart.data.datasets
    return { price, average }
  }

  #fit() {
    const { x, y } = this.chart.options.scales
    const first = this.points[0]
    const last = this.points.at(-1)
    x.display = y.display = first !== undefined
    if (!first || !last) return
    let low = Infinity
    let high = -Infinity
    for (const { y: value } of this.points) {
      if (value < low) low = value
      if (value > high) high = value
    }
    const { top = 0, bottom = 0 } = this.chart.chartArea ?? {}
    const pad = Math.min(0.5, MARK_ROOM_PX / Math.max(1, bottom - top - 2 * MARK_ROOM_PX))
    Object.assign(y, this.range.fit(low, high, performance.now(), pad))
    const span = last.x - first.x || 1
    const width = Math.max(1, this.chart.width - LABEL_ROOM_PX - 64)
    x.min = first.x
    x.max = last.x + (span / width) * LABEL_ROOM_PX
    if (x.max <= x.min) x.max = x.min + 1
  }

  #config() {
    const { colours } = this
    const font = { family: colours.font, size: AXIS_TEXT_PX }
    const line = { pointRadius: 0, pointHoverRadius: 0, pointHitRadius: 0, tension: 0, spanGaps: false }
    return {
      type: 'line',
      data: {
        datasets: [
          { ...line, label: 'price', data: [], borderColor: colours.accent, borderWidth: 1.5 },
          { ...line, label: 'average', data: [], borderColor: colours.ink, borderWidth: 1.25, borderDash: [4, 3] },
        ],
      },
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        responsive: true,
        maintainAspectRatio: false,
        events: ['mousemove', 'mouseout', 'touchstart', 'touchmove'],
        interaction: { mode: 'index', axis: 'x', intersect: false },
        layout: { autoPadding: false, padding: { top: 8 } },
        plugins: { legend: { display: false }, tooltip: this.#tooltip(font) },
        scales: {
          x: {
            type: 'linear',
            display: false,
            border: { display: false },
            grid: { display: false },
            ticks: { color: colours.muted, font, maxRotation: 0, autoSkip: false, align: 'center' },
            afterBuildTicks: (/** @type {any} */ axis) => this.#timeTicks(axis),
          },
          y: {
            type: 'linear',
            display: false,
            position: 'right',
            border: { display: false },
            grid: { color: colours.rule, lineWidth: 1, drawTicks: false },
            ticks: {
              color: colours.muted, font, padding: 8, autoSkip: false,
              callback: (/** @type {number} */ value) => this.#priceLabel(value),
            },
            afterBuildTicks: (/** @type {any} */ axis) => {
              axis.ticks = roundTicks(axis.min, axis.max, axis.height < 220 ? 5 : 6).map((value) => ({ value }))
            },
          },
        },
      },
      plugins: [{ id: 'marketlab', beforeDatasetsDraw: () => this.#crosshair(), afterDatasetsDraw: () => this.#marks() }],
    }
  }

  /** A tick's label, left out where the last price stands. @param {number} value */
  #priceLabel(value) {
    const span = this.range.max - this.range.min
    const last = this.points.at(-1)?.y ?? NaN
    const height = this.chart?.height ?? 0 // Chart.js asks before its constructor is done
    const apart = (Math.abs(value - last) / span) * height
    return height > 0 && apart < LAST_PRICE_PX ? '' : format.price(value, this.decimals)
  }

  /** @param {any} axis */
  #timeTicks(axis) {
    const end = this.points.at(-1)?.x ?? axis.max
    const offset = -new Date(end * 1000).getTimezoneOffset() * 60
    const most = Math.max(2, Math.floor(axis.width / 90))
    // A label may not reach out of the plot on the left, or Chart.js would move the plot.
    const edge = axis.min + ((axis.max - axis.min) / Math.max(1, axis.width)) * TIME_LABEL_HALF_PX
    const { ticks, step } = timeTicks(edge, Math.min(end, axis.max), most, offset)
    axis.ticks = ticks.map((value) => ({
      value,
      label: format.clock(value, { seconds: step < 60, ms: step < 1 }),
    }))
    axis.options.ticks.callback = (/** @type {number} */ _, /** @type {number} */ index) => axis.ticks[index]?.label
  }

  /** @param {{ family: string, size: number }} font */
  #tooltip(font) {
    return {
      ...tooltipColours(this.colours),
      animation: false,
      displayColors: false,
      cornerRadius: 4,
      caretSize: 0,
      caretPadding: 12,
      padding: 8,
      borderWidth: 1,
      titleFont: { ...font, weight: 600 },
      bodyFont: font,
      footerFont: { ...font, weight: 400 },
      filter: (/** @type {any} */ item) => item.datasetIndex === 0 && item.raw.record !== null,
      callbacks: {
        title: (/** @type {any[]} */ items) => items[0] && format.clock(items[0].raw.x, { ms: true }),
        label: (/** @type {any} */ item) => {
          const { price, moving_average: average, change_pct: change } = item.raw.record
          return [
            `price  ${format.price(price, this.decimals)}`,
            `MA(${this.window})  ${format.price(average, this.decimals)}`,
            `change  ${format.glyph(change)} ${format.change(change)}`,
          ]
        },
        footer: (/** @type {any[]} */ items) => items[0] && format.utc(items[0].raw.x),
      },
    }
  }

  #crosshair() {
    const [active] = this.chart.tooltip?.getActiveElements() ?? []
    if (!active) return
    const { ctx, chartArea } = this.chart
    ctx.save()
    ctx.strokeStyle = this.colours.muted
    ctx.lineWidth = 1
    const x = Math.round(active.element.x) + 0.5
    ctx.beginPath()
    ctx.moveTo(x, chartArea.top)
    ctx.lineTo(x, chartArea.bottom)
    ctx.stroke()
    ctx.restore()
  }

  /** Alerts at their ticks, the names at the lines' ends, the last price at the axis. */
  #marks() {
    const last = this.points.at(-1)
    if (!last) return
    const { ctx, chartArea, scales } = this.chart
    const at = (/** @type {number} */ value) => scales.y.getPixelForValue(value)
    ctx.save()
    ctx.font = `600 ${AXIS_TEXT_PX}px ${this.colours.font}`
    ctx.textBaseline = 'middle'
    this.#alerts(at)

    const endX = scales.x.getPixelForValue(last.x)
    ctx.fillStyle = this.colours.accent
    ctx.beginPath()
    ctx.arc(endX, at(last.y), 2.5, 0, 2 * Math.PI)
    ctx.fill()

    const average = last.record?.moving_average
    if (average != null) {
      ctx.font = `400 ${AXIS_TEXT_PX}px ${this.colours.font}`
      ctx.textAlign = 'left'
      ctx.fillStyle = this.colours.ink
      this.#label(`MA(${this.window})`, endX + 8, at(average))
    }
    this.#lastPrice(at(last.y), chartArea.right)
    ctx.restore()
  }

  /** @param {(value: number) => number} at */
  #alerts(at) {
    const { ctx, chartArea, scales } = this.chart
    ctx.fillStyle = this.colours.alert
    ctx.textAlign = 'center'
    let labelled = -Infinity
    for (const { x: time, y: value, record } of this.points) {
      if (!record?.alert) continue
      const change = format.alertChange(record)
      const up = (change ?? 0) >= 0
      const x = scales.x.getPixelForValue(time)
      const away = up ? -1 : 1
      const y = Math.min(chartArea.bottom - 12, Math.max(chartArea.top + 2, at(value) + away * 6))
      ctx.beginPath()
      ctx.moveTo(x, y + away * 8)
      ctx.lineTo(x - 5, y)
      ctx.lineTo(x + 5, y)
      ctx.fill()
      const text = format.change(change)
      const room = ctx.measureText(text).width + 8
      if (x - labelled < room) continue
      labelled = x
      const half = room / 2
      this.#label(text, Math.min(chartArea.right - half, Math.max(chartArea.left + half, x)), y + away * 17)
    }
  }

  /** Text that stays readable where a line runs behind it. @param {string} text @param {number} x @param {number} y */
  #label(text, x, y) {
    const { ctx } = this.chart
    ctx.strokeStyle = this.colours.surface
    ctx.lineWidth = 4
    ctx.lineJoin = 'round'
    ctx.strokeText(text, x, y)
    ctx.fillText(text, x, y)
  }

  /** @param {number} y @param {number} left */
  #lastPrice(y, left) {
    const { ctx } = this.chart
    const text = format.price(this.points.at(-1)?.y, this.decimals)
    ctx.font = `600 ${AXIS_TEXT_PX}px ${this.colours.font}`
    const width = Math.min(this.chart.width - left, ctx.measureText(text).width + 12)
    ctx.fillStyle = this.colours.accent
    ctx.beginPath()
    ctx.roundRect(left + 2, y - LAST_PRICE_PX / 2, width, LAST_PRICE_PX, 4)
    ctx.fill()
    ctx.fillStyle = this.colours.onFill
    ctx.textAlign = 'left'
    ctx.fillText(text, left + 8, y)
  }
}

/** @param {Palette} colours */
function tooltipColours(colours) {
  return {
    backgroundColor: colours.raised,
    borderColor: colours.rule,
    titleColor: colours.ink,
    bodyColor: colours.ink,
    footerColor: colours.muted,
  }
}
