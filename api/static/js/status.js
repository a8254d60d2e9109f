// @ts-check
/** How live the page is, in a glyph and a word; and what to do when it is not. */

import { byId, setText } from './dom.js'
import * as format from './format.js'

/** @typedef {ReturnType<import('./link.js').Link['state']>} LinkState */

export class StatusBar {
  /** @param {{ pollMs: number }} options */
  constructor({ pollMs }) {
    this.polling = `◐ POLLING ${pollMs / 1000} s`
    this.spoken = ''
  }

  /**
   * @param {LinkState} state
   * @param {{ found: string, mend: string }} trouble what went wrong last
   */
  show(state, { found, mend }) {
    const { reconnecting, staleMs, quietMs } = state
    setText(byId('link'), reconnecting > 0 ? `↻ RECONNECTING ${reconnecting}` : staleMs === null ? this.polling : '')
    setText(byId('age'), staleMs === null ? '' : `◌ STALE ${format.age(staleMs)}`)
    setText(byId('quiet'), quietMs === null ? '' : `no ticks for ${format.age(quietMs)}, link fine`)
    document.body.classList.toggle('stale', staleMs !== null)
    this.#say(staleMs !== null ? 'The data is stale' : reconnecting > 0 ? 'Reconnecting' : 'Polling')
    const panel = byId('trouble')
    panel.hidden = reconnecting < 2
    if (!panel.hidden) {
      setText(byId('trouble-wanted'), new URL('data', document.baseURI).href)
      setText(byId('trouble-found'), found)
      setText(byId('trouble-mend'), mend)
      byId('trouble-command').hidden = mend !== ''
    }
  }

  /** Screen readers hear a change of state, not every second of it. @param {string} text */
  #say(text) {
    if (text === this.spoken) return
    const first = this.spoken === ''
    this.spoken = text
    if (!first) setText(byId('link-said'), text)
  }
}

/** Let every button with `data-copy` put that text on the clipboard. */
export function startCopying() {
  document.addEventListener('click', async (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest('button[data-copy]')
    if (!(button instanceof HTMLButtonElement)) return
    const text = button.dataset.copy ?? ''
    try {
      await navigator.clipboard.writeText(text)
      setText(button, 'Copied')
    } catch {
      // Browsers give the clipboard to safe origins only; then the text is selected, ready for a hand.
      const code = button.parentElement?.querySelector('code')
      if (code) getSelection()?.selectAllChildren(code)
      setText(button, 'Selected')
    }
    setTimeout(() => setText(button, 'Copy'), 2000)
  })
}

