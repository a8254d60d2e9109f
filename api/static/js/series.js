// @ts-check
/** The records of one symbol that this page has seen, in the order in which they were written. Pure. */

/** @typedef {import('./types.js').TickRecord} TickRecord */

export class Series {
  /** @param {number} limit records kept */
  constructor(limit = 1000) {
    this.limit = limit
    /** @type {TickRecord[]} oldest first */
    this.records = []
    /** Ids of records before which some may be missing. @type {Set<number>} */
    this.breaks = new Set()
  }

  get newest() {
    return this.records.at(-1)
  }

  /**
   * Would these records leave a hole behind what is known?
   * @param {TickRecord[]} page newest first
   * @param {number} asked how many were asked for
   */
  wouldMiss(page, asked) {
    const known = this.newest
    return known !== undefined && page.length >= asked && page[page.length - 1].id > known.id
  }

  /**
   * Take a page of history. Records that are known already add nothing.
   * @param {TickRecord[]} page newest first
   * @param {number} asked how many were asked for
   * @returns {number} records added
   */
  take(page, asked) {
    if (page.length === 0) return 0
    const known = this.newest
    if (known !== undefined && page[0].id < known.id) {
      // Ids never go back within one database: this is another one.
      this.records = []
      this.breaks.clear()
      return this.take(page, asked)
    }
    const fresh = known === undefined ? [...page] : page.filter((record) => record.id > known.id)
    if (fresh.length > 0 && this.wouldMiss(page, asked)) this.breaks.add(fresh[fresh.length - 1].id)
    this.records.push(...fresh.reverse())
    if (this.records.length > this.limit) {
      for (const gone of this.records.splice(0, this.records.length - this.limit)) this.breaks.delete(gone.id)
    }
    return fresh.length
  }

  /**
   * What a line may join: records of the newest one's stream, in order. Late ones stand outside the window.
   * @returns {TickRecord[]}
   */
  get stream() {
    const newest = this.records.findLast((record) => !record.late) ?? this.newest
    if (newest === undefined) return []
    return this.records.filter(
      (record) => !record.late && record.run === newest.run && record.partition === newest.partition,
    )
  }
}
