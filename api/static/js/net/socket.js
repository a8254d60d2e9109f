// @ts-check
/** One push connection that is opened again whenever it ends, until it is told to rest. */

import { Backoff } from '../pure/backoff.js'

/** @typedef {import('../types.js').Message} Message */

const SILENCE_MS = 5000 // five heartbeats

export class PushSocket {
  /**
   * @param {string} path relative to the page
   * @param {{ onMessage: (message: Message) => void, onEnd: () => void }} hooks `onEnd`: it ended or could not begin
   * @param {{ silenceMs?: number, backoff?: Backoff }} [options]
   */
  constructor(path, { onMessage, onEnd }, { silenceMs = SILENCE_MS, backoff = new Backoff() } = {}) {
    this.path = path
    this.onMessage = onMessage
    this.onEnd = onEnd
    this.silenceMs = silenceMs
    this.backoff = backoff
    /** @type {WebSocket | null} */
    this.socket = null
    this.silence = 0
    this.retry = 0
  }

  /** Open it; nothing if it is open already. */
  open() {
    clearTimeout(this.retry)
    if (this.socket) return
    const address = new URL(this.path, document.baseURI)
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = (this.socket = new WebSocket(address))
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return
      this.backoff.reset()
      this.#listen()
      this.onMessage(JSON.parse(data))
    }
    socket.onclose = () => this.#ended(socket)
    this.#listen()
  }

  /** Close it until {@link open} is called again. */
  rest() {
    clearTimeout(this.retry)
    clearTimeout(this.silence)
    const socket = this.socket
    this.socket = null
    socket?.close()
  }

  /** The server was heard of by another way: do not wait any longer. */
  hurry() {
    this.backoff.reset()
    if (!this.socket) this.open()
  }

  /** A dead connection says nothing, not even that it is dead. */
  #listen() {
    clearTimeout(this.silence)
    this.silence = window.setTimeout(() => this.socket && this.#ended(this.socket), this.silenceMs)
  }

  /** @param {WebSocket} socket */
  #ended(socket) {
    if (socket !== this.socket) return
    this.rest()
    this.retry = window.setTimeout(() => this.open(), this.backoff.next())
    this.onEnd()
  }
}
