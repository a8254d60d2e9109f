// @ts-check
/** Numbers, times and directions as people read them. Pure: no page, no clock. */

export const UNKNOWN = '–'
export const MINUS = '−'
export const UP = '▲'
export const DOWN = '▼'

const MOST_DECIMALS = 10

/**
 * Decimals that a price was written with: 61837.63 has 2, 1e-7 has 7.
 * @param {number} price
 */
export function decimalsOf(price) {
  const [mantissa, exponent = '0'] = String(price).split('e')
  const point = mantissa.indexOf('.')
  const written = point < 0 ? 0 : mantissa.length - point - 1
  return Math.min(Math.max(written - Number(exponent), 0), MOST_DECIMALS)
}

/** @type {Map<number, Intl.NumberFormat>} */
const formats = new Map()

/** @param {number} decimals */
function fixed(decimals) {
  let format = formats.get(decimals)
  if (!format) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    formats.set(decimals, format)
  }
  return format
}

/**
 * @param {number | null | undefined} value
 * @param {number} decimals
 */
export function price(value, decimals) {
  return value == null || !Number.isFinite(value) ? UNKNOWN : fixed(decimals).format(value).replace('-', MINUS)
}

/** @param {number | null | undefined} value */
export function count(value) {
  return value == null ? UNKNOWN : fixed(0).format(value)
}

/**
 * The way a change goes; none for one that is shown as 0.00 %.
 * @param {number | null | undefined} percent
 */
export function glyph(percent) {
  if (percent == null || Math.abs(percent) < 0.005) return ''
  return percent > 0 ? UP : DOWN
}

/**
 * +0.41 %, −0.02 %, 0.00 %.
 * @param {number | null | undefined} percent
 */
export function change(percent) {
  if (percent == null || !Number.isFinite(percent)) return UNKNOWN
  const sign = Math.abs(percent) < 0.005 ? '' : percent > 0 ? '+' : MINUS
  return `${sign}${fixed(2).format(Math.abs(percent))} %`
}

/**
 * The change that a record or alert speaks of; a posted one may say it in its text alone.
 * @param {{ change_pct: number | null, alert: string | null }} record
 * @returns {number | null}
 */
export function alertChange({ change_pct, alert }) {
  if (change_pct != null) return change_pct
  const said = alert?.match(/(-?\d+(?:\.\d+)?) ?%/)
  return said ? Number(said[1]) : null
}

/**
 * The glyph of an alert: which way, or that it does not say.
 * @param {number | null} percent
 */
export function alertGlyph(percent) {
  return percent == null ? '!' : percent < 0 ? DOWN : UP
}

/**
 * A size without a sign, with at least two figures that say something: 0.053 %, 2.41 %.
 * @param {number} percent
 */
export function move(percent) {
  const size = Math.abs(percent)
  if (size >= 1 || size === 0) return `${fixed(size === 0 ? 0 : 2).format(size)} %`
  const decimals = Math.min(MOST_DECIMALS, 1 - Math.floor(Math.log10(size)))
  return `${fixed(decimals).format(size)} %`
}

/**
 * A change with its way in front: ▲ +0.41 %.
 * @param {number | null | undefined} percent
 */
export function signed(percent) {
  return `${glyph(percent)} ${change(percent)}`.trim()
}

/**
 * A threshold as it was set: 3 %, 0.5 %.
 * @param {number} percent
 */
export function threshold(percent) {
  return `${fixed(Math.min(decimalsOf(percent), 6)).format(percent)} %`
}

/**
 * A delay: 12 ms, 1.2 s, 3 min.
 * @param {number | null | undefined} ms
 */
export function delay(ms) {
  if (ms == null) return UNKNOWN
  if (ms < 1000) return `${fixed(0).format(Math.max(0, ms))} ms`
  return ms < 10_000 ? `${fixed(1).format(ms / 1000)} s` : age(ms)
}

/**
 * So many a second: 3.4, 1,000.
 * @param {number | null | undefined} value
 */
export function rate(value) {
  return value == null ? UNKNOWN : fixed(value > 0 && value < 9.95 ? 1 : 0).format(value)
}

/**
 * 8 s, 3 min, 2 h.
 * @param {number} ms
 */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`
}

/** @param {number} value @param {number} width */
const pad = (value, width = 2) => String(value).padStart(width, '0')

/**
 * Local time of day: 10:15:32, or with milliseconds.
 * @param {number} timestamp seconds
 */
export function clock(timestamp, { ms = false, seconds = true } = {}) {
  const at = new Date(Math.round(timestamp * 1000))
  const text = `${pad(at.getHours())}:${pad(at.getMinutes())}` + (seconds || ms ? `:${pad(at.getSeconds())}` : '')
  return ms ? `${text}.${pad(at.getMilliseconds(), 3)}` : text
}

// Made once: one for every call costs more than all else that is done to show a row.
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const DAY_AND_YEAR = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

/**
 * The local day: 7 Nov.
 * @param {number} timestamp seconds
 */
export function day(timestamp) {
  return DAY.format(timestamp * 1000)
}

/**
 * The local day, with or without its year, or nothing when it is that of `today`.
 * @param {number} timestamp seconds
 * @param {Date} today
 */
export function otherDay(timestamp, today, { year = true } = {}) {
  const at = new Date(timestamp * 1000)
  return at.toDateString() === today.toDateString() ? '' : (year ? DAY_AND_YEAR : DAY).format(at)
}

/**
 * Local time with its day, unless that is today's.
 * @param {number} timestamp seconds
 * @param {Date} today
 * @param {{ ms?: boolean, year?: boolean }} [options]
 */
export function moment(timestamp, today, options) {
  return `${otherDay(timestamp, today, options)} ${clock(timestamp, options)}`.trim()
}

/**
 * 2024-11-06 12:03:21.000 UTC, for titles.
 * @param {number} timestamp seconds
 */
export function utc(timestamp) {
  const at = new Date(Math.round(timestamp * 1000))
  return Number.isNaN(at.getTime()) ? UNKNOWN : `${at.toISOString().replace('T', ' ').replace('Z', '')} UTC`
}
