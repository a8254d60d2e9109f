// @ts-check
/** The newest alerts that this page knows, from the list of alerts and from records that carry one. Pure. */

import { alertChange } from './format.js'

/** @typedef {import('../types.js').Alert} Alert */
/** @typedef {import('../types.js').TickRecord} TickRecord */

/**
 * An alert as the page shows it, by the id of its tick. What a posted record does not say is null.
 * @typedef {{
 *   tickId: number, id: number | null, symbol: string, text: string, price: number, previous: number | null,
 *   change: number | null, timestamp: number,
 * }} Shown
 */

/** @param {Alert} alert @returns {Shown} */
function ofAlert({ id, tick_id: tickId, symbol, text, price, previous_price: previous, change_pct: change, timestamp }) {
  return { tickId, id, symbol, text, price, previous, change, timestamp }
}

/** @param {TickRecord} record @returns {Shown} */
function ofRecord({ id: tickId, symbol, alert, price, change_pct, timestamp }) {
  const change = alertChange({ change_pct, alert })
  return { tickId, id: null, symbol, text: alert ?? '', price, previous: null, change, timestamp }
}

export class AlertList {
  /** @param {{ most: number }} options alerts kept */
  constructor({ most }) {
    this.most = most
    /** Newest first. @type {Shown[]} */
    this.shown = []
  }

  /** @param {Alert[]} alerts @returns {Shown[]} those that were not known, oldest first */
  add(alerts) {
    return this.#merge(alerts.map(ofAlert))
  }

  /** Posted records stand in no other list. @param {TickRecord[]} records @returns {Shown[]} as {@link add} */
  note(records) {
    return this.#merge(records.filter((record) => record.alert).map(ofRecord))
  }

  clear() {
    this.shown = []
  }

  /** @param {Shown[]} some */
  #merge(some) {
    if (some.length === 0) return []
    const all = new Map(this.shown.map((alert) => [alert.tickId, alert]))
    const fresh = new Set()
    for (const alert of some) {
      const known = all.get(alert.tickId)
      if (known === undefined) fresh.add(alert.tickId)
      if (known === undefined || known.id === null) all.set(alert.tickId, alert)
    }
    this.shown = [...all.values()].sort((a, b) => b.tickId - a.tickId).slice(0, this.most)
    return this.shown.filter(({ tickId }) => fresh.has(tickId)).reverse()
  }
}
