// @ts-check
/** Which part of the time axis is looked at: it follows the newest tick until a person looks elsewhere. Pure. */

/** @typedef {{ first: number, last: number, auto: number }} Extent seconds; `auto`: the span that is shown unasked */

export class View {
  /** @param {{ leastSpan?: number }} [options] seconds */
  constructor({ leastSpan = 1 } = {}) {
    this.leastSpan = leastSpan
    /** Seconds shown; null: as many as the extent proposes. @type {number | null} */
    this.span = null
    /** Right edge; null: the newest. @type {number | null} */
    this.end = null
  }

  get following() {
    return this.end === null
  }

  get untouched() {
    return this.end === null && this.span === null
  }

  /** @param {Extent} extent */
  range({ last, auto }) {
    const max = this.end ?? last
    return { min: max - (this.span ?? auto), max }
  }

  /**
   * @param {number} factor of the span, below 1 to see more closely
   * @param {Extent} extent
   * @param {number | null} [at] part of the width that stays where it is; null: the newest if it is followed, else the middle
   */
  zoom(factor, extent, at = null) {
    const { min, max } = this.range(extent)
    const whole = Math.max(this.leastSpan, extent.last - extent.first)
    const span = Math.min(whole, Math.max(Math.min(this.leastSpan, whole), (max - min) * factor))
    this.span = span
    if (at === null && this.following) return
    const part = at ?? 0.5
    this.#endAt(min + part * (max - min) + (1 - part) * span, extent)
  }

  /** @param {number} part of the width, negative to the past @param {Extent} extent */
  pan(part, extent) {
    const { min, max } = this.range(extent)
    this.span = max - min
    this.#endAt(max + part * (max - min), extent)
  }

  /** Back to live. */
  live() {
    this.span = this.end = null
  }

  /** @param {number} end @param {Extent} extent */
  #endAt(end, { first, last }) {
    const bounded = Math.max(end, Math.min(last, first + (this.span ?? 0)))
    this.end = bounded >= last ? null : bounded
  }
}
