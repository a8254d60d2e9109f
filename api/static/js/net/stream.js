// @ts-check
/** All that comes from the server, by push, or by asking every two seconds where push does not get through. */

import { Link } from '../pure/link.js'
import { Sequence } from '../pure/sequence.js'
import { NoAnswer } from './api.js'
import { PushSocket } from './socket.js'

/** @typedef {import('../types.js').Message} Message */
/** @typedef {import('../types.js').News} News */
/** @typedef {import('../types.js').Status} Status */
/** @typedef {import('../types.js').TickRecord} TickRecord */

const PATIENCE_MS = 1500 // for the first pushed message, before the page asks

export class Stream {
  /**
   * @param {import('./api.js').Api} api
   * @param {{ onNews: (news: News) => void, onStatus: (status: Status | null) => void }} hooks
   *   `onStatus` is called with null when it is no longer known
   * @param {{ pollMs: number }} options
   */
  constructor(api, { onNews, onStatus }, { pollMs }) {
    this.api = api
    this.onNews = onNews
    this.onStatus = onStatus
    this.pollMs = pollMs
    this.link = new Link(performance.now())
    this.sequence = new Sequence()
    this.socket = new PushSocket('ws', { onMessage: (message) => this.#message(message), onEnd: () => this.#ended() })
    this.timer = 0
    this.asking = false
  }

  start() {
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#rest() : this.#wake()))
    if (!document.hidden) this.#wake()
  }

  #rest() {
    clearTimeout(this.timer)
    this.socket.rest()
    this.link.closed()
  }

  #wake() {
    this.link.back(performance.now())
    this.socket.hurry()
    this.timer = window.setTimeout(() => this.#ask(), PATIENCE_MS)
  }

  #ended() {
    this.link.closed()
    this.onStatus(null)
    void this.#ask()
  }

  /** @param {Message} message */
  #message(message) {
    clearTimeout(this.timer)
    this.link.heard(performance.now())
    const before = this.sequence.newestId
    const { gap, restarted } = this.sequence.take(message)
    const { newestId } = this.sequence
    if (newestId !== before) this.link.moved(performance.now())
    if (message.type === 'snapshot') {
      this.onNews({ newestId, latest: message.data, ticks: [], alerts: message.alerts, gap: true, restarted })
    } else if (message.type === 'delta') {
      this.onNews({ newestId, latest: null, ticks: message.ticks, alerts: message.alerts, gap, restarted })
    } else if (gap) {
      this.onNews({ newestId, latest: null, ticks: [], alerts: [], gap, restarted })
    }
    const { error, mend } = message.status
    if (error) this.link.unread({ found: error, mend: mend ?? '' })
    else this.link.read()
    this.onStatus(message.status)
  }

  async #ask() {
    clearTimeout(this.timer)
    if (this.asking || document.hidden) return
    this.asking = true
    const begun = performance.now()
    try {
      const { changed, value, database } = await this.api.get('data')
      const recovered = this.link.failures > 0
      this.link.answered(performance.now())
      if (recovered) this.socket.hurry()
      if (changed && !this.link.pushed) this.#answered(value, database)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (!this.link.pushed) this.link.failed({ found: error.message, mend: error.mend })
    } finally {
      this.asking = false
      const wait = Math.max(0, this.pollMs - (performance.now() - begun))
      if (!this.link.pushed) this.timer = window.setTimeout(() => this.#ask(), wait)
    }
    this.onStatus(null)
  }

  /** @param {TickRecord[]} latest @param {string | null} database */
  #answered(latest, database) {
    const before = this.sequence.newestId
    const newestId = latest.reduce((id, record) => Math.max(id, record.id), 0)
    const restarted = this.sequence.answered(newestId, database)
    if (newestId !== before) this.link.moved(performance.now())
    this.onNews({ newestId, latest, ticks: [], alerts: [], gap: true, restarted })
  }
}
