// @ts-check
/** Every button with `data-copy` puts that text on the clipboard; with `data-copy-address`, the page's address. */

import { setText } from './dom.js'

const SHOWN_MS = 2000

export function startCopying() {
  document.addEventListener('click', async (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest('button[data-copy], button[data-copy-address]')
    if (!(button instanceof HTMLButtonElement)) return
    const word = (button.dataset.word ??= button.textContent ?? '')
    try {
      await navigator.clipboard.writeText(button.dataset.copy ?? location.href)
      setText(button, 'Copied')
    } catch {
      // Browsers give the clipboard to safe origins only; then the text is selected, ready for a hand.
      const code = button.parentElement?.querySelector('code')
      if (code) getSelection()?.selectAllChildren(code)
      setText(button, code ? 'Selected' : 'Not allowed')
    }
    setTimeout(() => setText(button, word), SHOWN_MS)
  })
}
