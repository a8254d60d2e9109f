// @ts-check
/** Fetches the past of the symbols in view, one after the other: the live questions go before. */

import { NoAnswer } from '../net/api.js'
import { SPARK_POINTS } from '../pure/market.js'

/** @typedef {import('../pure/market.js').Entry} Entry */

export class Past {
  /**
   * @param {import('../net/api.js').Api} api
   * @param {(symbol: string, page: import('../types.js').TickRecord[]) => void} onPage
   */
  constructor(api, onPage) {
    this.api = api
    this.onPage = onPage
    /** @type {Entry[]} */
    this.wanted = []
    this.fetching = false
  }

  /** @param {Entry[]} entries in view now; those that left it are not asked for any more */
  want(entries) {
    this.wanted = entries.filter((entry) => !entry.filled)
    if (!this.fetching && this.wanted.length > 0) void this.#fetch()
  }

  async #fetch() {
    this.fetching = true
    /** @type {Entry | null} */
    let asked = null
    try {
      for (let entry = this.wanted.shift(); entry; entry = this.wanted.shift()) {
        if (entry.filled) continue
        entry.filled = true
        asked = entry
        const before = entry.record.id + 1 // a page that is paused shows nothing newer
        this.onPage(entry.symbol, await this.api.history(entry.symbol, { limit: SPARK_POINTS, before }))
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (asked) asked.filled = false // it is asked for again; the link's state is told by the questions that matter
    } finally {
      this.fetching = false
    }
  }
}
