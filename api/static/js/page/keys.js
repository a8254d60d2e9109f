// @ts-check
/** What each key does, in one place: the page obeys this list and shows it when asked for. */

import { startDialog } from './dialog.js'
import { byId, make } from './dom.js'
import { recall, remember } from './memory.js'

/**
 * @typedef {{ keys: string[], shown: string, does: string, run: () => void, always?: boolean }} Key
 *   `keys` as in KeyboardEvent.key; `always`: not a single character, so it stays on when those are turned off
 */

const KEY = 'marketlab.keys'
const MOVES = new Set(['ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'])

/** @param {{ group: string, keys: Key[] }[]} groups */
export function startKeys(groups) {
  const map = new Map(groups.flatMap(({ keys }) => keys.flatMap((key) => key.keys.map((name) => /** @type {[string, Key]} */ ([name, key])))))
  const dialog = /** @type {HTMLDialogElement} */ (byId('help'))
  const box = /** @type {HTMLInputElement} */ (byId('single-keys'))
  box.checked = recall(KEY) !== 'off'
  box.addEventListener('change', () => remember(KEY, box.checked ? null : 'off'))
  byId('help-keys').replaceChildren(...groups.map(({ group, keys }) => make('section', {},
    make('h3', {}, group),
    make('dl', {}, ...keys.map(({ shown, does }) => make('div', {},
      make('dt', {}, ...shown.split(' ').map((name) => make('kbd', {}, name))), make('dd', {}, does)))))))
  byId('help-open').addEventListener('click', () => dialog.showModal())
  startDialog(dialog)

  document.addEventListener('keydown', (event) => {
    const target = /** @type {HTMLElement} */ (event.target)
    // A dialog that was closed keeps the focus until the next frame: a quick Space would press what nobody sees.
    if (target.closest('dialog:not([open])')) target.blur()
    const key = map.get(event.key.length === 1 ? event.key.toLowerCase() : event.key)
    if (!key || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    if (!key.always && !box.checked) return
    if (document.querySelector('dialog[open]') || target.closest('input:not([type="checkbox"], [type="radio"]), textarea, select')) return
    if (event.key === ' ' && target.closest('button, a, summary, [type="checkbox"]')) return
    // A press on a kind of chart leaves the focus on it: the arrows go round the kinds, all else is the page's.
    if (event.key.startsWith('Arrow') && target.closest('[type="radio"]')) return
    if (MOVES.has(event.key) && !free(target, event.key)) return
    event.preventDefault()
    key.run()
  })
}

/**
 * From anywhere, as long as nothing else wants these keys: a list or a page that they scroll.
 * @param {HTMLElement} target @param {string} key
 */
function free(target, key) {
  if (target.closest('#watchlist-rows')) return true
  const page = document.documentElement
  return key.startsWith('Arrow') && !target.closest('[data-scrolls]') && page.scrollHeight <= page.clientHeight
}
