// @ts-check
/** Questions to the server. Addresses are relative to the page, so that it works below a prefix. */

/** @typedef {import('./types.js').TickRecord} TickRecord */

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
   * What stands at a path; `changed` is false when the server says that nothing was committed since.
   * @param {string} path
   * @returns {Promise<{ changed: boolean, value: any }>}
   */
  async get(path) {
    const known = this.known.get(path)
    const response = await this.#fetch(path, known ? { 'If-None-Match': known.tag } : {})
    if (response.status === 304 && known) return { changed: false, value: known.value }
    const value = await json(response)
    const tag = response.headers.get('ETag')
    if (tag) this.known.set(path, { tag, value })
    return { changed: true, value }
  }

  /**
   * The newest records of a symbol, newest first.
   * @param {string} symbol
   * @param {number} limit
   * @param {AbortSignal} [signal] ends the question when nobody wants the answer any more
   * @returns {Promise<TickRecord[]>}
   */
  async history(symbol, limit, signal) {
    const path = symbol.split('/').map(encodeURIComponent).join('/')
    return json(await this.#fetch(`data/${path}?limit=${limit}`, {}, signal))
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
