// @ts-check
/** Light, dark, or as the system has it: one button goes round. */

import { setText } from './dom.js'
import { remember } from './memory.js'

const KEY = 'marketlab.theme'
const ROUND = /** @type {const} */ (['system', 'light', 'dark'])
const WORDS = { system: 'System', light: 'Light', dark: 'Dark' }

/**
 * @param {HTMLElement} button
 * @param {() => void} changed called after every change, a person's or the system's
 */
export function startTheme(button, changed) {
  const { dataset } = document.documentElement
  const now = () => (dataset.theme === 'light' || dataset.theme === 'dark' ? dataset.theme : 'system')
  const next = () => ROUND[(ROUND.indexOf(now()) + 1) % ROUND.length]
  const label = () => {
    setText(button, WORDS[now()])
    button.setAttribute('aria-label', `Theme: ${now()}. Change to ${next()}`)
    button.title = `Theme: ${now()}`
  }
  button.addEventListener('click', () => {
    const theme = next()
    if (theme === 'system') delete dataset.theme
    else dataset.theme = theme
    remember(KEY, theme === 'system' ? null : theme)
    label()
    changed()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
  label()
}
