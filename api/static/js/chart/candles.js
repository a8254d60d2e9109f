// @ts-check
/** Bars as candles: up hollow, down filled, and an interval without a tick hatched from top to bottom. */

/** @typedef {import('../types.js').Bar} Bar */
/** @typedef {import('./marks.js').Plot} Plot */

const BODY = 0.7 // of an interval's width
const WIDEST_PX = 24
const HATCH_PX = 6

/**
 * @param {Plot} plot
 * @param {Bar[]} bars
 * @param {number} interval seconds
 */
export function drawCandles(plot, bars, interval) {
  const { ctx, x, y, area, colours } = plot
  const [{ start = 0 } = {}] = bars
  const step = x(start + interval) - x(start)
  const width = Math.max(1, Math.min(WIDEST_PX, Math.round(step * BODY)))
  const hatch = hatching(ctx, colours.rule)
  ctx.strokeStyle = ctx.fillStyle = colours.accent
  ctx.lineWidth = 1
  for (const bar of bars) {
    const left = x(bar.start)
    if (bar.open === null || bar.close === null || bar.high === null || bar.low === null) {
      ctx.save()
      ctx.fillStyle = hatch
      ctx.fillRect(left, area.top, step, area.bottom - area.top)
      ctx.restore()
      continue
    }
    const middle = Math.round(left + step / 2) + 0.5
    const [open, close] = [y(bar.open), y(bar.close)].map((value) => Math.round(value) + 0.5)
    const top = Math.min(open, close)
    const bottom = Math.max(open, close)
    ctx.beginPath()
    ctx.moveTo(middle, y(bar.high))
    ctx.lineTo(middle, top)
    ctx.moveTo(middle, bottom)
    ctx.lineTo(middle, y(bar.low))
    ctx.stroke()
    const body = /** @type {const} */ ([Math.round(middle - width / 2) + 0.5, top, Math.max(1, width - 1), Math.max(1, bottom - top)])
    if (bar.close < bar.open) ctx.fillRect(...body)
    ctx.strokeRect(...body)
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {string} colour @returns {CanvasPattern | string} */
function hatching(ctx, colour) {
  const tile = document.createElement('canvas')
  tile.width = tile.height = HATCH_PX
  const pen = tile.getContext('2d')
  if (!pen) return colour
  pen.strokeStyle = colour
  pen.lineWidth = 1
  pen.beginPath()
  for (const shift of [-HATCH_PX, 0, HATCH_PX]) {
    pen.moveTo(shift, HATCH_PX)
    pen.lineTo(shift + HATCH_PX, 0)
  }
  pen.stroke()
  return ctx.createPattern(tile, 'repeat') ?? colour
}
