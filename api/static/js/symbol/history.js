// @ts-check
/** What is known of the chosen symbol: its ticks, and its bars of one length; asked for, and kept up with what comes. */

import * as format from '../pure/format.js'
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
    /** The first there are, once they were found: an id, and a start in seconds. @type {number | null} */
    this.firstTick = null
    /** @type {number | null} */
    this.firstBar = null
    this.lookedBack = false
    /** What a person looks back at, once the series or the bars have gone on without it. @type {Series | null} */
    this.keptSeries = null
    /** @type {Bar[] | null} */
    this.keptBars = null
    this.left = new AbortController()
  }

  /** The ticks that the chart may show. */
  get seenSeries() {
    return this.keptSeries ?? this.series
  }

  /** The bars that the chart may show. */
  get seenBars() {
    return this.keptBars ?? this.bars
  }

  /** A person looks at the past, which then must stay; or at the newest again. @param {boolean} back */
  look(back) {
    this.lookedBack = back
    if (!back) this.keptSeries = this.keptBars = null
  }

  /** Ticks that came by themselves. @param {TickRecord[]} records oldest first */
  add(records) {
    this.#keep(records.length)
    this.series.add(records)
  }

  /** The series is about to grow, and may let go of what is looked at. @param {number} count records */
  #keep(count) {
    if (this.lookedBack && count > this.series.room) this.keptSeries ??= this.series.copy()
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
    this.#keep(page.length)
    this.series.fill(page, { all: whole || first })
    return page
  }

  /**
   * Ask for ticks before those that can be seen.
   * @param {number} end of what is looked at, seconds: later ones make room
   * @returns {Promise<string>} what stood in the way, for people
   */
  async older(end) {
    const [oldest] = this.seenSeries.records
    if (!oldest || oldest.id === this.firstTick) return ''
    if (this.lookedBack && this.seenSeries.room < PAGE) {
      this.keptSeries ??= this.series.copy()
      this.keptSeries.cut(PAGE - this.keptSeries.room, end)
    }
    const series = this.seenSeries
    const limit = Math.min(PAGE, series.room)
    if (limit <= 0) return full(series.limit, 'ticks')
    const page = await this.api.history(this.symbol, { limit, before: oldest.id, signal: this.left.signal })
    series.add([...page].reverse())
    if (page.length < limit) this.firstTick = page.at(-1)?.id ?? oldest.id
    return ''
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
      this.keptBars = this.firstBar = null
    }
    const newest = this.bars.at(-1)
    const limit = newest ? NEWEST_BARS : BARS
    let page = await this.api.bars(this.symbol, { interval, limit, signal })
    if (newest && page.length > 0 && page[0].start > newest.start) {
      page = await this.api.bars(this.symbol, { interval, limit: BARS, signal })
    }
    if (this.interval !== interval || page.length === 0) return
    const whole = this.bars.length === 0 || this.bars.some((bar) => bar.start >= page[0].start)
    const bars = [...whole ? this.bars.filter((bar) => bar.start < page[0].start) : [], ...page]
    if (this.lookedBack && (!whole || bars.length > MOST_BARS)) this.keptBars ??= this.bars
    this.bars = bars.slice(-MOST_BARS)
  }

  /**
   * Ask for bars before those that can be seen.
   * @param {number} end of what is looked at, seconds: later ones make room
   * @returns {Promise<string>} what stood in the way, for people
   */
  async olderBars(end) {
    const { interval } = this
    const [oldest] = this.seenBars
    if (!interval || !oldest || oldest.start === this.firstBar) return ''
    if (this.lookedBack && this.seenBars.length + BARS > MOST_BARS) {
      const seen = this.seenBars.filter((bar) => bar.start < end).length
      this.keptBars = this.seenBars.slice(0, Math.max(seen, MOST_BARS - BARS))
    }
    const limit = Math.min(BARS, MOST_BARS - this.seenBars.length)
    if (limit <= 0) return full(MOST_BARS, 'candles')
    const page = await this.api.bars(this.symbol, { interval, limit, before: oldest.start, signal: this.left.signal })
    if (this.interval !== interval || this.seenBars[0] !== oldest) return ''
    if (this.keptBars) this.keptBars = [...page, ...this.keptBars]
    else this.bars = [...page, ...this.bars]
    if (page.length < limit) this.firstBar = page[0]?.start ?? oldest.start
    return ''
  }
}

/** @param {number} most @param {string} what */
function full(most, what) {
  return `${format.count(most)} ${what} are shown at the most: look closer to go back further.`
}
