// @ts-check
/** How Chart.js is told to draw: two lines, two axes, one tooltip; nothing moves for show. */

import { roundTicks, timeTicks } from '../pure/axis.js'
import * as format from '../pure/format.js'

/** @typedef {import('../page/dom.js').Palette} Palette */

const AXIS_TEXT_PX = 12
const TIME_LABEL_HALF_PX = 30
const LOW_AXIS_PX = 220
const LAST_PRICE_PX = 20
const DAY_S = 86400

/**
 * @param {Palette} colours
 * @param {{
 *   decimals: () => number, lastPrice: () => number | undefined,
 *   tip: (point: any) => { title: string, lines: string[], footer: string } | null,
 *   plugin: Record<string, unknown>,
 * }} parts
 */
export function configuration(colours, { decimals, lastPrice, tip, plugin }) {
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
      plugins: { legend: { display: false }, tooltip: tooltip(colours, font, tip) },
      scales: {
        x: {
          type: 'linear',
          display: false,
          border: { display: false },
          grid: { display: false },
          ticks: { color: colours.muted, font, maxRotation: 0, autoSkip: false, align: 'center', callback: given },
          afterBuildTicks: buildTimeTicks,
        },
        y: {
          type: 'linear',
          display: false,
          position: 'right',
          border: { display: false },
          grid: { color: colours.rule, lineWidth: 1, drawTicks: false },
          ticks: {
            color: colours.muted, font, padding: 8, autoSkip: false,
            /**
             * A tick's label, with every digit that it needs; left out where the last price stands.
             * @this {any} @param {number} value @param {number} _ @param {{ value: number }[]} ticks
             */
            callback(value, _, ticks) {
              const last = lastPrice()
              const hidden = last !== undefined && Math.abs(this.getPixelForValue(value) - this.getPixelForValue(last)) < LAST_PRICE_PX
              return hidden ? '' : format.price(value, Math.max(decimals(), ...ticks.map((tick) => format.decimalsOf(tick.value))))
            },
          },
          afterBuildTicks: (/** @type {any} */ axis) => {
            axis.ticks = roundTicks(axis.min, axis.max, axis.height < LOW_AXIS_PX ? 5 : 6).map((value) => ({ value }))
          },
        },
      },
    },
    plugins: [plugin],
  }
}

/** Take other colours. @param {any} chart of Chart.js @param {Palette} colours */
export function recolour(chart, colours) {
  const [price, average] = chart.data.datasets
  price.borderColor = colours.accent
  average.borderColor = colours.ink
  const { x, y } = chart.options.scales
  x.ticks.color = y.ticks.color = colours.muted
  y.grid.color = colours.rule
  Object.assign(chart.options.plugins.tooltip, tooltipColours(colours))
}

/** Local time's distance from UTC, seconds. @param {number} time */
const offsetAt = (time) => -60 * new Date(time * 1000).getTimezoneOffset()

/** @param {any} axis */
function buildTimeTicks(axis) {
  const offset = offsetAt(axis.max)
  // A label may not reach out of the plot, or Chart.js would move the plot.
  const half = ((axis.max - axis.min) / Math.max(1, axis.width)) * TIME_LABEL_HALF_PX
  const most = Math.max(2, Math.floor(axis.width / 90))
  const { ticks, step } = timeTicks(axis.min + half, axis.max - half, most, offset)
  axis.ticks = ticks.map((tick) => {
    // Days may begin at another distance from UTC than the last one does.
    const value = step < DAY_S ? tick : tick + offset - offsetAt(tick)
    const midnight = (value + offsetAt(value)) % DAY_S === 0
    return { value, label: midnight ? format.day(value) : format.clock(value, { ms: step < 1, seconds: step < 60 }) }
  })
}

/** The label that a tick was built with. @param {number} _ @param {number} index @param {{ label: string }[]} ticks */
function given(_, index, ticks) {
  return ticks[index].label
}

/** @param {Palette} colours @param {Record<string, unknown>} font @param {(point: any) => { title: string, lines: string[], footer: string } | null} tip */
function tooltip(colours, font, tip) {
  return {
    ...tooltipColours(colours),
    animation: false,
    borderWidth: 1,
    cornerRadius: 4,
    caretSize: 0,
    caretPadding: 12,
    displayColors: false,
    padding: 8,
    titleFont: { ...font, weight: 600 },
    bodyFont: font,
    footerFont: { ...font, weight: 400 },
    filter: (/** @type {any} */ item) => item.datasetIndex === 0 && tip(item.raw) !== null,
    callbacks: {
      title: (/** @type {any[]} */ items) => items[0] && tip(items[0].raw)?.title,
      label: (/** @type {any} */ item) => tip(item.raw)?.lines,
      footer: (/** @type {any[]} */ items) => items[0] && tip(items[0].raw)?.footer,
    },
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
