// @ts-check
/** How live the page is, in a glyph and a word; how late and how busy; and what to do when it is neither. */

import { byId, setText } from './dom.js'
import * as format from '../pure/format.js'

/** @typedef {ReturnType<import('../pure/link.js').Link['state']>} LinkState */
/** @typedef {import('../types.js').Status} Status */

const SPOKEN = {
  live: 'Live', polling: 'Polling', reconnecting: 'Reconnecting', unread: 'The server cannot read its database',
}

export class StatusBar {
  /** @param {{ pollMs: number }} options */
  constructor({ pollMs }) {
    this.words = { live: '● LIVE', polling: `◐ POLLING ${pollMs / 1000} s`, unread: '✗ UNREADABLE' }
    this.spoken = ''
  }

  /**
   * @param {LinkState} state
   * @param {{ found: string, mend: string }} trouble what went wrong last
   * @param {{ paused: boolean, behind: number }} hold
   */
  show({ mode, failures, troubled, staleMs, quietMs }, trouble, { paused, behind }) {
    const trying = failures > 0 ? `↻ RECONNECTING ${failures}` : '↻ CONNECTING'
    const word = mode === 'reconnecting' ? trying : staleMs === null ? this.words[mode] : ''
    setText(byId('link'), paused && mode === 'live' ? '' : word)
    setText(byId('age'), staleMs === null ? '' : `◌ STALE ${format.age(staleMs)}`)
    byId('held').hidden = !paused
    setText(byId('behind'), `${format.count(behind)} behind`)
    setText(byId('quiet'), quietMs === null || paused ? '' : `no ticks for ${format.age(quietMs)}, link fine`)
    document.body.classList.toggle('stale', staleMs !== null)
    this.#say(staleMs !== null ? 'The data is stale' : paused ? 'Paused' : SPOKEN[mode])
    this.#warn(troubled ? trouble : null)
  }

  /** @param {Status | null} status null: not known */
  figures(status) {
    setText(byId('lag'), format.delay(status?.delay_ms))
    setText(byId('rate'), format.rate(status?.ticks_per_second))
    setText(byId('group-lag'), format.count(status?.group_lag))
  }

  /** @param {{ found: string, mend: string } | null} trouble */
  #warn(trouble) {
    const panel = byId('trouble')
    if (panel.hidden !== (trouble === null)) panel.hidden = trouble === null
    if (trouble === null) return
    setText(byId('trouble-wanted'), new URL('data', document.baseURI).href)
    setText(byId('trouble-found'), trouble.found)
    setText(byId('trouble-mend'), trouble.mend)
    byId('trouble-command').hidden = trouble.mend !== ''
  }

  /** Screen readers hear a change of state, not every second of it. @param {string} text */
  #say(text) {
    if (text === this.spoken) return
    const first = this.spoken === ''
    this.spoken = text
    if (!first) setText(byId('link-said'), text)
  }
}
