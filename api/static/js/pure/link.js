// @ts-check
/** How the page stands with the server. Pure: it is told the time. */

const STALE_AFTER_MS = 10_000
const QUIET_AFTER_MS = 8_000
const MANY_FAILURES = 2 // one can be a restart

export class Link {
  /** @param {number} now ms, any clock that only goes forward */
  constructor(now) {
    this.heardAt = now
    this.movedAt = now
    this.pushed = false
    this.polled = false
    this.failures = 0
    this.blind = false
    /** What went wrong last and what the server says can be done about it, for people. */
    this.trouble = { found: '', mend: '' }
  }

  /** A pushed message came. @param {number} now */
  heard(now) {
    this.heardAt = now
    this.pushed = true
    this.polled = false
    this.failures = 0
  }

  /** A question was answered. @param {number} now */
  answered(now) {
    this.heardAt = now
    this.polled = true
    this.failures = 0
  }

  /** A new tick came. @param {number} now */
  moved(now) {
    this.movedAt = now
  }

  /** Pushing ended, or never began; the page may be asking meanwhile. */
  closed() {
    this.pushed = false
    this.blind = false
  }

  /** A question was not answered. @param {{ found: string, mend: string }} trouble */
  failed(trouble) {
    this.polled = false
    this.failures += 1
    this.trouble = trouble
  }

  /** The server is there but cannot read what it serves. @param {{ found: string, mend: string }} trouble */
  unread(trouble) {
    this.blind = true
    this.trouble = trouble
  }

  read() {
    this.blind = false
  }

  /** The page was away and asked nothing: its silence was not the server's. @param {number} now */
  back(now) {
    this.heardAt = now
    this.movedAt = now
  }

  /**
   * What to show. `staleMs` is the age of the last word from the server once it is too old to be taken for live,
   * `quietMs` the time since the last tick once it is worth a word.
   * @param {number} now
   * @returns {{ mode: 'live' | 'polling' | 'reconnecting' | 'unread', failures: number, troubled: boolean, staleMs: number | null, quietMs: number | null }}
   */
  state(now) {
    const age = now - this.heardAt
    const stale = age >= STALE_AFTER_MS
    const live = this.blind ? 'unread' : 'live'
    const mode = this.failures > 0 ? 'reconnecting' : this.pushed ? live : this.polled ? 'polling' : 'reconnecting'
    const quietMs = now - this.movedAt
    return {
      mode,
      failures: this.failures,
      troubled: this.blind || this.failures >= MANY_FAILURES,
      staleMs: stale ? age : null,
      quietMs: !stale && (mode === 'live' || mode === 'polling') && quietMs >= QUIET_AFTER_MS ? quietMs : null,
    }
  }
}
