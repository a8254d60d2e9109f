// @ts-check
/** Keeps what comes while a person looks at what was. Pure. */

/** @typedef {import('../types.js').News} News */

const MOST_TICKS = 20_000 // some MB; more are asked for again when the page goes on

export class Hold {
  constructor({ mostTicks = MOST_TICKS } = {}) {
    this.mostTicks = mostTicks
    this.paused = false
    this.heldAt = 0
    this.newestId = 0
    /** @type {News[]} */
    this.news = []
    this.ticks = 0
  }

  /** Rows written since the pause began. */
  get behind() {
    return this.paused ? Math.max(0, this.newestId - this.heldAt) : 0
  }

  /** @param {number} newestId of what is shown */
  pause(newestId) {
    this.paused = true
    this.heldAt = this.newestId = newestId
  }

  /** @param {News} news */
  add(news) {
    if (news.restarted) this.heldAt = 0
    this.newestId = news.newestId
    if (news.latest || news.restarted) {
      // All that was held before is old now.
      const restarted = news.restarted || this.news.some((held) => held.restarted)
      this.news = [{ ...news, gap: true, restarted }]
      this.ticks = news.ticks.length
      return
    }
    this.news.push(news)
    this.ticks += news.ticks.length
    while (this.ticks > this.mostTicks && this.news.length > 1) {
      // The oldest go first, and the next one says that they are missing here: they stand in the database.
      const [gone] = this.news.splice(0, 1)
      this.ticks -= gone.ticks.length
      this.news[0] = { ...this.news[0], gap: true, restarted: gone.restarted }
    }
  }

  /** Go on: all that was held, in order. */
  resume() {
    const news = this.news
    this.paused = false
    this.news = []
    this.ticks = 0
    return news
  }
}
