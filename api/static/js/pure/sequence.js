// @ts-check
/** Tells from the numbers on pushed messages whether all of them came. Pure. */

/** @typedef {import('../types.js').Message} Message */

export class Sequence {
  constructor() {
    /** Of the last delta; null before the first snapshot. @type {number | null} */
    this.seq = null
    this.newestId = 0
  }

  /**
   * @param {Message} message
   * @returns {{ gap: boolean, restarted: boolean }}
   *   `gap`: rows were written that did not come this way; `restarted`: ids went back, so this is another database
   */
  take(message) {
    if (message.type === 'status') {
      const gap = message.seq !== this.seq
      this.seq = message.seq
      return { gap, restarted: false }
    }
    const restarted = message.newest_id < this.newestId
    const gap =
      message.type === 'delta' &&
      (message.seq !== (this.seq ?? NaN) + 1 || message.after_id > this.newestId || !message.complete)
    this.seq = message.seq
    this.newestId = message.newest_id
    return { gap: gap || (restarted && message.type === 'delta'), restarted }
  }

  /** What was answered to a question counts as well. @param {number} newestId @returns {boolean} restarted */
  answered(newestId) {
    const restarted = newestId < this.newestId
    this.newestId = newestId
    return restarted
  }
}
