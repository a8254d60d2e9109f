// @ts-check
/** Why an alert fired: its rule, its ticks as stored and as read again from the log, and whether it comes out again. */

import { NoAnswer, notebookAddress } from '../net/api.js'
import { startDialog } from '../page/dialog.js'
import { byId, make, setText } from '../page/dom.js'
import * as format from '../pure/format.js'

/** @typedef {import('../types.js').ExplainedAlert} ExplainedAlert */
/** @typedef {import('../types.js').SeenTick} SeenTick */

const VERDICTS = {
  confirmed: '✓ confirmed',
  differs: '✗ differs',
  gone: '✗ gone from the log',
  unreachable: '– log not reachable',
}

export class Provenance {
  /**
   * @param {import('../net/api.js').Api} api
   * @param {{ decimals: (symbol: string) => number, onClose: () => void }} hooks
   */
  constructor(api, { decimals, onClose }) {
    this.api = api
    this.decimals = decimals
    this.dialog = /** @type {HTMLDialogElement} */ (byId('why'))
    this.asked = new AbortController()
    this.dialog.addEventListener('close', () => {
      this.asked.abort()
      onClose()
    })
    startDialog(this.dialog)
  }

  /** @param {string} symbol @param {number} id of the alert */
  async open(symbol, id) {
    this.asked.abort()
    const { signal } = (this.asked = new AbortController())
    setText(byId('why-title'), `Why did ${symbol} alert?`)
    setText(byId('why-verdict'), '')
    this.#state('Reading its ticks again from the log …')
    if (!this.dialog.open) this.dialog.showModal()
    try {
      this.#show(await this.api.alert(id, signal))
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof NoAnswer)) throw error
      this.#state(`Alert ${id} could not be had: ${error.message}. ${error.mend}`.trim())
    }
  }

  close() {
    if (this.dialog.open) this.dialog.close()
  }

  /** @param {string} text one sentence instead of the account; empty: the account */
  #state(text) {
    setText(byId('why-state'), text)
    byId('why-state').hidden = text === ''
    byId('why-account').hidden = text !== ''
  }

  /** @param {ExplainedAlert} alert */
  #show({ id, symbol, price, previous_price: before, change_pct: change, moving_average: average, timestamp, tick_id: tick, provenance }) {
    const { rule, window: ticks, previous, verdict, detail, recomputed, log, topic, partition } = provenance
    const decimals = Math.max(this.decimals(symbol), ...[before, ...ticks.map((seen) => seen.price)].map(format.decimalsOf))
    const figure = (/** @type {number | null | undefined} */ value) => format.price(value, decimals)
    this.#state('')
    setText(byId('why-change'), `${format.alertGlyph(change)} ${symbol} ${format.change(change)}`)
    setText(byId('why-verdict'), VERDICTS[verdict])
    byId('why-verdict').classList.toggle('confirmed', verdict === 'confirmed')
    const way = change < 0 ? 'below' : 'above'
    setText(byId('why-rule'), `${figure(price)} is ${format.move(change)} ${way} ${figure(before)}, the price before; ` +
      `the rule alerts at ${format.threshold(rule.threshold_pct)}.`)
    setText(byId('why-detail'), sentence(detail))
    const whole = [previous, ...ticks].every((seen) => seen.price_again !== null)
    setText(byId('why-again'), whole ? 'Worked out again' : 'Worked out again, with stored prices for those not read')
    byId('why-ticks').replaceChildren(...ticksOf(previous, ticks).map((seen) => tickRow(seen, figure)))
    byId('why-results').replaceChildren(
      resultRow(`MA(${rule.window})`, figure(average), figure(recomputed?.moving_average), recomputed?.moving_average === average),
      resultRow('Change', format.change(change), format.change(recomputed?.change_pct), recomputed?.change_pct === change),
      resultRow('Alert', 'yes', recomputed ? (recomputed.fires ? 'yes' : 'no') : format.UNKNOWN, recomputed?.fires === true),
    )
    const offset = provenance.current.offset
    byId('why-place').replaceChildren(
      ...place('Time', make('span', { title: format.utc(timestamp) }, format.moment(timestamp, new Date()))),
      ...(topic ? place('Topic', make('span', { class: 'log' }, topic)) : []),
      ...place('Log', make('span', { class: 'log' }, log)),
      ...place('Partition', format.count(partition)),
      ...place('Offset', format.count(offset)),
    )
    const command = `marketlab explain ${id}`
    setText(byId('why-command'), command)
    byId('why-copy').dataset.copy = command
    const notebook = /** @type {HTMLAnchorElement} */ (byId('why-notebook'))
    notebook.href = notebookAddress(symbol, tick)
  }
}

/** @param {string} text */
function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`
}

/**
 * The ticks of the window, with the one before in front where the window is too short to hold it.
 * @param {SeenTick} previous @param {SeenTick[]} window
 */
function ticksOf(previous, window) {
  return window.some(({ offset }) => offset === previous.offset) ? window : [previous, ...window]
}

/** @param {SeenTick} seen @param {(value: number | null) => string} figure */
function tickRow({ offset, price, price_again: again, same, raw, raw_b64: bytes }, figure) {
  const read = raw != null || bytes !== undefined
  const title = raw ?? ''
  return make('tr', { title }, make('th', { scope: 'row' }, format.count(offset)),
    ...comparison(figure(price), figure(again), read ? same : null))
}

/** @param {string} name @param {string} stored @param {string} again @param {boolean} same */
function resultRow(name, stored, again, same) {
  return make('tr', {}, make('th', { scope: 'row' }, name), ...comparison(stored, again, again === format.UNKNOWN ? null : same))
}

/** @param {string} stored @param {string} again @param {boolean | null} same null: not known */
function comparison(stored, again, same) {
  const [glyph, word] = same === null ? ['', 'not known'] : same ? ['✓', 'the same'] : ['✗', 'another one']
  return [
    make('td', { class: 'number' }, stored),
    make('td', { class: 'number' }, again),
    make('td', { class: 'same' }, make('span', { 'aria-hidden': 'true' }, glyph), make('span', { class: 'said' }, word)),
  ]
}

/** @param {string} name @param {Node | string} value */
function place(name, value) {
  return [make('dt', {}, name), make('dd', {}, value)]
}
