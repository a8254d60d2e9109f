// @ts-check
/** How the page stands with the server. Pure: it is told the time. */

const STALE_AFTER_MS = 10_000
const QUIET_AFTER_MS = 8_000

export class Link {
  /** @param {number} now ms, any clock that only goes forward */
  constructor(now) {
    this.answeredAt = now
    this.movedAt = now
    this.failures = 0
    /** What went wrong last and what the server says can be done about it, for people. */
    this.trouble = { found: '', mend: '' }
  }

  /**
   * The server answered.
   * @param {number} now
   * @param {{ moved: boolean }} news whether a new tick came
   */
  answered(now, { moved }) {
    this.answeredAt = now
    this.failures = 0
    if (moved) this.movedAt = now
  }

  /** It did not. @param {{ found: string, mend: string }} trouble */
  failed(trouble) {
    this.failures += 1
    this.trouble = trouble
  }

  /**
   * What to show. `staleMs` is the age of the last answer once it is too old to be taken for live, `quietMs` the time
   * since the last tick once it is worth a word.
   * @param {number} now
   */
  state(now) {
    const answerAge = now - this.answeredAt
    const moveAge = now - this.movedAt
    const stale = answerAge >= STALE_AFTER_MS
    return {
      reconnecting: this.failures,
      staleMs: stale ? answerAge : null,
      quietMs: !stale && this.failures === 0 && moveAge >= QUIET_AFTER_MS ? moveAge : null,
    }
  }
}
