// @ts-check
/** Zoom and pan by wheel, drag and two fingers. A page that scrolls past the chart is left alone. */

const WHEEL_ZOOM = 0.0025 // per px of the wheel, as an exponent
const LINE_PX = 16

/**
 * @param {HTMLElement} surface
 * @param {{
 *   area: () => { left: number, width: number }, zoom: (factor: number, at: number) => void, pan: (part: number) => void,
 * }} hooks `area`: where time runs on the surface, px; `at` and `part` are parts of its width
 */
export function startGestures(surface, { area, zoom, pan }) {
  const at = (/** @type {number} */ clientX) => {
    const { left, width } = area()
    return Math.min(1, Math.max(0, (clientX - surface.getBoundingClientRect().left - left) / Math.max(1, width)))
  }
  surface.addEventListener('wheel', (event) => {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(event.deltaY * unit * WHEEL_ZOOM), at(event.clientX))
    else if (sideways !== 0) pan((sideways * unit) / Math.max(1, area().width))
    else return
    event.preventDefault()
  }, { passive: false })

  /** Fingers and buttons that are down, and where. @type {Map<number, number>} */
  const down = new Map()
  surface.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return
    down.set(event.pointerId, event.clientX)
    surface.setPointerCapture(event.pointerId)
  })
  surface.addEventListener('pointermove', (event) => {
    const before = down.get(event.pointerId)
    if (before === undefined) return
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, x]) => x)
    down.set(event.pointerId, event.clientX)
    if (others.length === 0) {
      if (event.clientX !== before) pan((before - event.clientX) / Math.max(1, area().width))
      surface.classList.add('dragged')
      return
    }
    const [other] = others
    const apart = Math.abs(event.clientX - other)
    if (apart > 8) zoom(Math.abs(before - other) / apart, at((event.clientX + other) / 2))
  })
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    surface.addEventListener(end, (event) => {
      down.delete(/** @type {PointerEvent} */ (event).pointerId)
      if (down.size === 0) surface.classList.remove('dragged')
    })
  }
}
