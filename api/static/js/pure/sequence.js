// @ts-check
/** Tells from the numbers on pushed messages whether all of them came. Pure. */

/** @typedef {import('../types.js').Message} Message */

export class Sequence {
  constructor() {
    /** Of the last delta; null before the first snapshot. @type {number | null} */
    this.seq = null
    this.newestId = 0
    /** Which one `newestId` is of; null while there was none. @type {string | null} */
    this.database = null
  }

  /**
   * @param {Message} message
   * @returns {{ gap: boolean, restarted: boolean }}
   *   `gap`: rows were written that did not come this way; `restarted`: this is another database, or an older copy
   */
  take(message) {
    if (message.type === 'status') {
      if (this.seq === null) return { gap: false, restarted: false } // the server cannot say yet what there is
      const gap = message.seq !== this.seq
      this.seq = message.seq
      return { gap, restarted: false }
    }
    const gap =
      message.type === 'delta' &&
      (message.seq !== (this.seq ?? NaN) + 1 || message.after_id > this.newestId || !message.complete)
    this.seq = message.seq
    const restarted = this.answered(message.newest_id, message.status.database)
    return { gap: gap || (restarted && message.type === 'delta'), restarted }
  }

  /**
   * What was answered to a question counts as well.
   * @param {number} newestId
   * @param {string | null} database
   * @returns {boolean} restarted
   */
  answered(newestId, database) {
    const restarted = newestId < this.newestId || (this.newestId > 0 && database !== this.database)
    this.newestId = newestId
    this.database = database
    return restarted
  }
}
