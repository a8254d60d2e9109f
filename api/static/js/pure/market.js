// @ts-check
/** The newest record of every symbol and its last prices: what the list shows. Pure. */

import { decimalsOf } from './format.js'

/** @typedef {import('../types.js').TickRecord} TickRecord */
/** @typedef {{ glyph: string, title: string, freshUntil: number }} Mark */
/** @typedef {{ id: number, seq: number | null, price: number }} Point */

/**
 * @typedef {{
 *   symbol: string, record: TickRecord, points: Point[], decimals: number, filled: boolean, mark: Mark | null,
 * }} Entry `points`: oldest first, of the record's stream; `filled`: the past was asked for, and none is missing since
 */

export const SPARK_POINTS = 40

export class Market {
  constructor() {
    /** @type {Map<string, Entry>} */
    this.entries = new Map()
    /** Another number whenever other symbols are here than before. */
    this.members = 0
    /** Characters of the longest price, so that columns hold still. */
    this.priceLength = 6
  }

  clear() {
    this.entries.clear()
    this.members += 1
    this.priceLength = 6
  }

  /**
   * The latest record of every symbol there is.
   * @param {TickRecord[]} records
   * @returns {Set<string>} symbols with a new tick
   */
  latest(records) {
    const present = new Set(records.map((record) => record.symbol))
    for (const symbol of this.entries.keys()) {
      if (present.has(symbol)) continue
      this.entries.delete(symbol)
      this.members += 1
    }
    return this.take(records, { gap: true })
  }

  /**
   * Records in the order in which they were written; those that are known already say nothing.
   * @param {TickRecord[]} records
   * @param {{ gap?: boolean }} [options] `gap`: others were written that did not come
   * @returns {Set<string>} symbols with a new tick
   */
  take(records, { gap = false } = {}) {
    const moved = new Set()
    for (const record of records) {
      const entry = this.entries.get(record.symbol)
      if (entry && record.id <= entry.record.id) continue
      moved.add(record.symbol)
      if (entry) this.#push(entry, record, gap)
      else this.entries.set(record.symbol, this.#enter(record))
    }
    return moved
  }

  /** Decimals in which a symbol's prices are written. @param {string} symbol */
  decimals(symbol) {
    return this.entries.get(symbol)?.decimals ?? 2
  }

  /**
   * Learn from records that stand elsewhere, so that a symbol is written alike everywhere.
   * @param {string} symbol
   * @param {TickRecord[]} page newest first
   */
  learn(symbol, page) {
    const entry = this.entries.get(symbol)
    if (!entry) return
    for (const record of page) this.#measure(entry, record)
    const { run, partition, id: newest } = entry.record
    const past = page.filter((record) => {
      return !record.late && record.run === run && record.partition === partition && record.id <= newest
    })
    // The page is older than what came since it was asked for.
    const since = entry.points.filter(({ id }) => id > (past[0]?.id ?? 0))
    entry.points = [...past.slice(0, SPARK_POINTS).map(point).reverse(), ...since].slice(-SPARK_POINTS)
  }

  /** @param {TickRecord} record @returns {Entry} */
  #enter(record) {
    this.members += 1
    const points = record.late ? [] : [point(record)]
    const entry = { symbol: record.symbol, record, points, decimals: 2, filled: false, mark: null }
    this.#measure(entry, record)
    return entry
  }

  /** @param {Entry} entry @param {TickRecord} record @param {boolean} gap */
  #push(entry, record, gap) {
    if (record.run !== entry.record.run || record.partition !== entry.record.partition) entry.points = []
    if (!record.late) {
      if (missed(entry.points.at(-1), record, gap)) entry.filled = false
      entry.points.push(point(record))
    }
    if (entry.points.length > SPARK_POINTS) entry.points.splice(0, entry.points.length - SPARK_POINTS)
    entry.record = record
    this.#measure(entry, record)
  }

  /** @param {Entry} entry @param {TickRecord} record */
  #measure(entry, record) {
    entry.decimals = Math.max(entry.decimals, decimalsOf(record.price))
    const whole = String(Math.trunc(record.price)).length
    this.priceLength = Math.max(this.priceLength, whole + Math.floor((whole - 1) / 3) + 1 + entry.decimals)
  }
}

/** @param {TickRecord} record @returns {Point} */
function point({ id, seq, price }) {
  return { id, seq, price }
}

/**
 * Whether others may have been written between two ticks of a symbol. A run numbers its ticks by symbol; a posted one
 * has no number, and is only as sure as the way that it came.
 * @param {Point | undefined} before @param {TickRecord} record @param {boolean} gap
 */
function missed(before, { seq }, gap) {
  return seq === null ? gap : seq !== (before?.seq ?? 0) + 1
}
