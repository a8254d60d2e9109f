// @ts-check
/** The records of one symbol that this page has seen, in the order in which they were written. Pure. */

/** @typedef {import('../types.js').TickRecord} TickRecord */

const LIMIT = 5000

export class Series {
  /** @param {number} limit records kept */
  constructor(limit = LIMIT) {
    this.limit = limit
    /** @type {TickRecord[]} oldest first */
    this.records = []
    /** Ids of records before which some may be missing. @type {Set<number>} */
    this.breaks = new Set()
    /** Everything up to this id is here; what came later may lack some. Null: nothing is lacking. @type {number | null} */
    this.knownUpTo = 0
  }

  get newest() {
    return this.records.at(-1)
  }

  /** How many more there is room for before the oldest are let go. */
  get room() {
    return this.limit - this.records.length
  }

  /** The same again, as far as nothing is lacking: what is done to one is not done to the other. */
  copy() {
    const copy = new Series(this.limit)
    const end = this.knownUpTo ?? Infinity
    copy.records = this.records.filter(({ id }) => id <= end)
    copy.breaks = new Set(this.breaks)
    copy.knownUpTo = null
    return copy
  }

  /**
   * Let some of the newest go, but none that stand at or before a time, nor the one after it, where a line goes to.
   * @param {number} count records
   * @param {number} end seconds
   */
  cut(count, end) {
    const seen = this.records.findLastIndex(({ timestamp }) => timestamp <= end) + 2
    for (const gone of this.records.splice(Math.max(seen, this.records.length - count))) this.breaks.delete(gone.id)
  }

  /** Some records did not come: remember from where on. */
  lose() {
    this.knownUpTo ??= this.newest?.id ?? 0
  }

  /**
   * Put records in their places; those that are here already add nothing.
   * @param {TickRecord[]} records oldest first
   * @returns {number} records added
   */
  add(records) {
    const known = this.newest?.id ?? 0
    const before = this.records.length
    if (records.length === 0) return 0
    if (records[0].id > known) this.records.push(...records)
    else {
      const all = new Map([...this.records, ...records].map((record) => [record.id, record]))
      this.records = [...all.values()].sort((a, b) => a.id - b.id)
    }
    const added = this.records.length - before
    const over = this.records.length - this.limit
    if (over > 0) for (const gone of this.records.splice(0, over)) this.breaks.delete(gone.id)
    return added
  }

  /**
   * The answer to "what came since": it is whole down to its oldest record.
   * @param {TickRecord[]} page newest first
   * @param {{ all: boolean }} options `all`: nothing older was left out of the page
   * @returns {number} records added
   */
  fill(page, { all }) {
    const known = this.knownUpTo ?? this.newest?.id ?? 0
    this.knownUpTo = null
    const oldest = page.at(-1)
    const added = this.add([...page].reverse())
    if (oldest && !all && known > 0 && oldest.id > known) this.breaks.add(oldest.id)
    return added
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
