// @ts-check
/** Questions to the server. Addresses are relative to the page, so that it works below a prefix. */

/** @typedef {import('../types.js').TickRecord} TickRecord */
/** @typedef {import('../types.js').Bar} Bar */
/** @typedef {import('../types.js').ExplainedAlert} ExplainedAlert */

const TIMEOUT_MS = 5000

/** An answer that was not one; the message is for people, and so is what the server says can be done about it. */
export class NoAnswer extends Error {
  /** @param {string} message @param {string} [mend] */
  constructor(message, mend = '') {
    super(message)
    this.mend = mend
  }
}

export class Api {
  constructor({ timeoutMs = TIMEOUT_MS } = {}) {
    this.timeoutMs = timeoutMs
    /** @type {Map<string, { tag: string, value: unknown }>} */
    this.known = new Map()
  }

  /**
   * What stands at a path; `changed` is false when the server says that nothing was committed since, `database` is the
   * one that it is of.
   * @param {string} path
   * @returns {Promise<{ changed: boolean, value: any, database: string | null }>}
   */
  async get(path) {
    const known = this.known.get(path)
    const response = await this.#fetch(path, known ? { 'If-None-Match': known.tag } : {})
    const database = response.headers.get('Marketlab-Database')
    if (response.status === 304 && known) return { changed: false, value: known.value, database }
    const value = await json(response)
    const tag = response.headers.get('ETag')
    if (tag) this.known.set(path, { tag, value })
    return { changed: true, value, database }
  }

  /**
   * Records of a symbol, newest first.
   * @param {string} symbol
   * @param {{ limit: number, before?: number, signal?: AbortSignal }} options
   *   `before`: only those written before this id; `signal` ends the question when nobody wants the answer any more
   * @returns {Promise<TickRecord[]>}
   */
  async history(symbol, { limit, before, signal }) {
    const older = before === undefined ? '' : `&before=${before}`
    return json(await this.#fetch(`data/${inPath(symbol)}?limit=${limit}${older}`, {}, signal))
  }

  /**
   * Bars of a symbol, oldest first.
   * @param {string} symbol
   * @param {{ interval: string, limit: number, before?: number, signal?: AbortSignal }} options
   *   `before`: only those that start before this time
   * @returns {Promise<Bar[]>}
   */
  async bars(symbol, { interval, limit, before, signal }) {
    const older = before === undefined ? '' : `&before=${before}`
    return json(await this.#fetch(`bars/${inPath(symbol)}?interval=${interval}&limit=${limit}${older}`, {}, signal))
  }

  /**
   * An alert with its ticks, read again from the log.
   * @param {number} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<ExplainedAlert>}
   */
  async alert(id, signal) {
    return json(await this.#fetch(`alerts/${id}`, {}, signal))
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {AbortSignal} [unwanted]
   */
  async #fetch(path, headers, unwanted) {
    const timeout = AbortSignal.timeout(this.timeoutMs)
    const signal = unwanted ? AbortSignal.any([timeout, unwanted]) : timeout
    try {
      // The tag is handled here, not by the browser's cache, so that "unchanged" can be told.
      return await fetch(path, { headers, signal, cache: 'no-store' })
    } catch (error) {
      const late = error instanceof DOMException && error.name === 'TimeoutError'
      throw new NoAnswer(late ? `no answer within ${this.timeoutMs / 1000} s` : 'no answer: the server cannot be reached')
    }
  }
}

/** Where the notebook of a moment is had. @param {string} symbol @param {number} tick id */
export function notebookAddress(symbol, tick) {
  return `notebook?symbol=${encodeURIComponent(symbol)}&tick=${tick}`
}

/** A symbol may hold a slash, and keeps it. @param {string} symbol */
function inPath(symbol) {
  return symbol.split('/').map(encodeURIComponent).join('/')
}

/** @param {Response} response */
async function json(response) {
  let value
  try {
    value = await response.json()
  } catch {
    throw new NoAnswer(`status ${response.status} and no JSON`)
  }
  if (!response.ok) {
    throw new NoAnswer(`status ${response.status}: ${value?.detail ?? response.statusText}`, value?.mend)
  }
  return value
}
