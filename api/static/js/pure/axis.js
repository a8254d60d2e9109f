// @ts-check
/** Round numbers along an axis, and a range that does not twitch. Pure. */

const STEPS = [1, 2, 2.5, 5, 10]
const TIME_STEPS_S = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
]

/**
 * Four to six round values within a range, or as near to that as round steps allow.
 * @param {number} min
 * @param {number} max
 */
export function roundTicks(min, max, most = 6) {
  if (!(max > min)) return [min]
  const power = 10 ** Math.floor(Math.log10((max - min) / most))
  const wanted = most - 1
  let best = [min]
  for (const factor of STEPS) {
    const ticks = multiples(min, max, factor * power)
    if (best.length === 1 || Math.abs(ticks.length - wanted) < Math.abs(best.length - wanted)) best = ticks
  }
  return best
}

/** @param {number} min @param {number} max @param {number} step */
function multiples(min, max, step) {
  // 3 * 0.1 is 0.30000000000000004: cut what a round number does not have; one digit more for the 5 of 2.5.
  const digits = Math.min(100, Math.max(0, 1 - Math.floor(Math.log10(step))))
  const ticks = []
  for (let n = Math.ceil(min / step - 1e-9); n * step <= max + step * 1e-9; n++) ticks.push(Number((n * step).toFixed(digits)))
  return ticks
}

/**
 * Round local times within a range of seconds; `seconds` says whether labels need them.
 * @param {number} min
 * @param {number} max
 * @param {number} most
 * @param {number} offset of local time from UTC, seconds
 */
export function timeTicks(min, max, most, offset) {
  const step = TIME_STEPS_S.find((candidate) => (max - min) / candidate <= most) ?? 86400 * Math.ceil((max - min) / most / 86400)
  const ticks = []
  for (let n = Math.ceil((min + offset) / step); n * step - offset <= max; n++) ticks.push(n * step - offset)
  return { ticks, step }
}

/** A range that grows at once and shrinks only when a smaller one was enough for a while. */
export class SteadyRange {
  /** @param {{ holdMs?: number }} [options] */
  constructor({ holdMs = 10_000 } = {}) {
    this.holdMs = holdMs
    this.min = NaN
    this.max = NaN
    this.smallerSince = NaN
  }

  reset() {
    this.min = NaN
    this.max = NaN
    this.smallerSince = NaN
  }

  /**
   * The range to show for values from `low` to `high`.
   * @param {number} low
   * @param {number} high
   * @param {number} now ms
   * @param {number} pad room above and below, as a part of the span
   */
  fit(low, high, now, pad = 0.1) {
    const room = (high - low) * pad || Math.abs(high) * 0.0005 || 1
    const min = low - room
    const max = high + room
    if (!(low >= this.min && high <= this.max)) {
      // Out of the range, or the first one: what is shown already stays shown.
      this.min = Number.isNaN(this.min) ? min : Math.min(min, this.min)
      this.max = Number.isNaN(this.max) ? max : Math.max(max, this.max)
      this.smallerSince = now
    } else if (now - this.smallerSince >= this.holdMs) {
      this.min = min
      this.max = max
      this.smallerSince = now
    }
    return { min: this.min, max: this.max }
  }
}
