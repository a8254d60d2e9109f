// @ts-check
/** Light and dark: the system's choice until a person makes one. */

import { setText } from './dom.js'

const KEY = 'marketlab.theme'

/**
 * @param {HTMLElement} button
 * @param {() => void} changed called after every change, a person's or the system's
 */
export function startTheme(button, changed) {
  const root = document.documentElement
  const system = matchMedia('(prefers-color-scheme: dark)')
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches)
  const label = () => {
    const next = isDark() ? 'Light' : 'Dark'
    setText(button, next)
    button.setAttribute('aria-label', `${next} theme`)
  }
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark'
    try {
      localStorage.setItem(KEY, root.dataset.theme)
    } catch {
      // Not kept then; it holds for this page.
    }
    label()
    changed()
  })
  system.addEventListener('change', () => {
    label()
    changed()
  })
  label()
}
