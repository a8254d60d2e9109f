// @ts-check
/** What is drawn beside the lines: alerts at their ticks, the average's name, the last price at the axis, a crosshair. */

import * as format from '../pure/format.js'

/** @typedef {import('../page/dom.js').Palette} Palette */
/** @typedef {{ ctx: CanvasRenderingContext2D, area: any, x: (time: number) => number, y: (price: number) => number, colours: Palette, width: number }} Plot */
/** @typedef {{ time: number, price: number, change: number | null }} AlertMark */

const TEXT_PX = 12
const LABEL_PX = 16
const LAST_PRICE_PX = 20 // height of the last price at the axis

/** @param {Plot} plot @param {AlertMark[]} alerts in order of time */
export function drawAlerts({ ctx, area, x, y, colours }, alerts) {
  ctx.fillStyle = colours.alert
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  ctx.font = `600 ${TEXT_PX}px ${colours.font}`
  /** Middles of the labels drawn, px. @type {[number, number][]} */
  const labelled = []
  for (const { time, price, change } of alerts) {
    const away = (change ?? 0) >= 0 ? -1 : 1
    const left = x(time)
    if (left < area.left || left > area.right) continue
    const base = Math.min(area.bottom - 24, Math.max(area.top + 24, y(price) + away * 6))
    ctx.beginPath()
    ctx.moveTo(left, base + away * 8)
    ctx.lineTo(left - 5, base)
    ctx.lineTo(left + 5, base)
    ctx.fill()
    const text = format.change(change)
    const room = ctx.measureText(text).width + 8
    const middle = Math.min(area.right - room / 2, Math.max(area.left + room / 2, left))
    const height = base + away * 17
    if (labelled.some(([x, y]) => Math.abs(middle - x) < room && Math.abs(height - y) < LABEL_PX)) continue
    labelled.push([middle, height])
    outlined(ctx, text, middle, height, colours)
  }
}

/**
 * The end of the price's line, and the name of the average beside its own.
 * @param {Plot} plot
 * @param {{ time: number, price: number, average: number | null, name: string }} end
 */
export function drawEnd({ ctx, x, y, colours }, { time, price, average, name }) {
  const right = x(time)
  ctx.fillStyle = colours.accent
  ctx.beginPath()
  ctx.arc(right, y(price), 2.5, 0, 2 * Math.PI)
  ctx.fill()
  if (average === null) return
  ctx.font = `400 ${TEXT_PX}px ${colours.font}`
  ctx.textAlign = 'left'
  ctx.textBaseline = 'middle'
  ctx.fillStyle = colours.ink
  outlined(ctx, name, right + 8, y(average), colours)
}

/** @param {Plot} plot @param {number} price @param {string} text */
export function drawLastPrice({ ctx, area, y, colours, width: whole }, price, text) {
  const middle = y(price)
  if (middle < area.top - LAST_PRICE_PX / 2 || middle > area.bottom + LAST_PRICE_PX / 2) return
  ctx.font = `600 ${TEXT_PX}px ${colours.font}`
  const width = Math.min(whole - area.right - 2, ctx.measureText(text).width + 12)
  ctx.fillStyle = colours.accent
  ctx.beginPath()
  ctx.roundRect(area.right + 2, middle - LAST_PRICE_PX / 2, width, LAST_PRICE_PX, 4)
  ctx.fill()
  ctx.fillStyle = colours.onFill
  ctx.textAlign = 'left'
  ctx.textBaseline = 'middle'
  ctx.fillText(text, area.right + 8, middle)
}

/** @param {Plot} plot @param {number} at px */
export function drawCrosshair({ ctx, area, colours }, at) {
  const x = Math.round(at) + 0.5
  ctx.strokeStyle = colours.muted
  ctx.lineWidth = 1
  ctx.beginPath()
  ctx.moveTo(x, area.top)
  ctx.lineTo(x, area.bottom)
  ctx.stroke()
}

/** Text that stays readable where a line runs behind it. @param {CanvasRenderingContext2D} ctx @param {string} text @param {number} x @param {number} y @param {Palette} colours */
function outlined(ctx, text, x, y, colours) {
  ctx.strokeStyle = colours.surface
  ctx.lineWidth = 4
  ctx.lineJoin = 'round'
  ctx.strokeText(text, x, y)
  ctx.fillText(text, x, y)
}
