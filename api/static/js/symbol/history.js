// @ts-check
/** What is known of the chosen symbol: its ticks, and its bars of one length; asked for, and kept up with what comes. */

import { Series } from '../pure/series.js'

/** @typedef {import('../types.js').TickRecord} TickRecord */
/** @typedef {import('../types.js').Bar} Bar */

const FIRST_PAGE = 600
const PAGE = 1000 // the most that the server gives at once
const MOST_PAGES = 5
const BARS = 300
const MOST_BARS = 3000
const NEWEST_BARS = 8
export const SECONDS = { '1s': 1, '10s': 10, '1m': 60 }

/** @typedef {keyof typeof SECONDS} Interval */

export class History {
  /**
   * @param {import('../net/api.js').Api} api
   * @param {string} symbol
   */
  constructor(api, symbol) {
    this.api = api
    this.symbol = symbol
    this.series = new Series()
    /** @type {Bar[]} */
    this.bars = []
    /** @type {Interval | null} */
    this.interval = null
    this.asked = false
    this.exhausted = false
    this.barsExhausted = false
    this.left = new AbortController()
  }

  /** Nobody wants to know any more. */
  leave() {
    this.left.abort()
  }

  /**
   * Ask for what was written since the last time.
   * @param {{ until?: () => number }} [options] the newest id that may be shown: the page may be paused meanwhile
   * @returns {Promise<TickRecord[]>} newest first
   */
  async catchUp({ until = () => Infinity } = {}) {
    const { signal } = this.left
    const before = until() === Infinity ? undefined : until() + 1
    const first = !this.asked
    const since = this.series.knownUpTo ?? this.series.newest?.id ?? 0
    let limit = first ? FIRST_PAGE : 100
    let page = await this.api.history(this.symbol, { limit, before, signal })
    let whole = page.length < limit
    for (let pages = 0; !first && !whole && (page.at(-1)?.id ?? 0) > since && pages < MOST_PAGES; pages++) {
      const older = await this.api.history(this.symbol, { limit: (limit = PAGE), before: page.at(-1)?.id, signal })
      page = [...page, ...older]
      whole = older.length < limit
    }
    page = page.filter(({ id }) => id <= until())
    this.asked = true
    this.series.fill(page, { all: whole || first })
    return page
  }

  /** Ask for ticks before those that are known. @returns {Promise<boolean>} whether some came */
  async older() {
    const oldest = this.series.records[0]
    if (!oldest || this.exhausted) return false
    const page = await this.api.history(this.symbol, { limit: PAGE, before: oldest.id, signal: this.left.signal })
    const added = this.series.add([...page].reverse())
    this.exhausted = page.length < PAGE || added < page.length
    return added > 0
  }

  /**
   * Bars of one length, kept up to date by asking for the last few of them.
   * @param {Interval} interval
   */
  async askBars(interval) {
    const { signal } = this.left
    if (this.interval !== interval) {
      this.interval = interval
      this.bars = []
      this.barsExhausted = false
    }
    const newest = this.bars.at(-1)
    const limit = newest ? NEWEST_BARS : BARS
    let page = await this.api.bars(this.symbol, { interval, limit, signal })
    if (newest && page.length > 0 && page[0].start > newest.start) {
      page = await this.api.bars(this.symbol, { interval, limit: BARS, signal })
    }
    if (this.interval !== interval || page.length === 0) return
    const whole = this.bars.some((bar) => bar.start >= page[0].start)
    if (!whole) this.barsExhausted = false
    this.bars = [...whole ? this.bars.filter((bar) => bar.start < page[0].start) : [], ...page].slice(-MOST_BARS)
  }

  /** Ask for bars before those that are known. @returns {Promise<boolean>} whether some came */
  async olderBars() {
    const { interval, bars: [oldest] } = this
    if (!interval || !oldest || this.barsExhausted || this.bars.length >= MOST_BARS) return false
    const options = { interval, limit: BARS, before: oldest.start, signal: this.left.signal }
    const page = await this.api.bars(this.symbol, options)
    if (this.interval !== interval || this.bars[0] !== oldest) return false
    this.bars = [...page, ...this.bars]
    this.barsExhausted = page.length < BARS
    return page.length > 0
  }
}
