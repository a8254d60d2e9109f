// @ts-check
/** What the part of the address behind `#` says: a symbol, and perhaps one of its alerts. Pure. */

/**
 * @param {string} hash `#BCH%2FEUR`, `#AAPL/alert/3`, or nothing
 * @returns {{ symbol: string | null, alert: number | null }}
 */
export function readAddress(hash) {
  const [name = '', kind, id] = hash.replace(/^#/, '').split('/')
  let symbol = null
  try {
    symbol = decodeURIComponent(name) || null
  } catch {
    // Not an address of ours.
  }
  return { symbol, alert: symbol !== null && kind === 'alert' && /^[1-9]\d{0,15}$/.test(id ?? '') ? Number(id) : null }
}

/** @param {string} symbol @param {number | null} [alert] */
export function writeAddress(symbol, alert = null) {
  return `#${encodeURIComponent(symbol)}${alert === null ? '' : `/alert/${alert}`}`
}
