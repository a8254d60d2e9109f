// @ts-check
/** A line of a few prices on a small canvas, without a library: hundreds of these must cost nothing. */

const WIDTH = 56
const HEIGHT = 16

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} prices oldest first
 * @param {string} colour
 */
export function drawSpark(canvas, prices, colour) {
  const scale = Math.max(1, window.devicePixelRatio || 1)
  const width = Math.round(WIDTH * scale)
  const height = Math.round(HEIGHT * scale)
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  const context = canvas.getContext('2d')
  if (!context) return
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, WIDTH, HEIGHT)
  if (prices.length < 2) return
  const low = Math.min(...prices)
  const span = Math.max(...prices) - low
  context.beginPath()
  for (let index = 0; index < prices.length; index++) {
    const x = 0.5 + (index / (prices.length - 1)) * (WIDTH - 1)
    const y = span === 0 ? HEIGHT / 2 : 1.5 + (1 - (prices[index] - low) / span) * (HEIGHT - 3)
    if (index === 0) context.moveTo(x, y)
    else context.lineTo(x, y)
  }
  context.strokeStyle = colour
  context.lineWidth = 1
  context.lineJoin = 'round'
  context.stroke()
}
