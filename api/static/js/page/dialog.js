// @ts-check
/** What every dialog does: Esc closes it (the browser sees to that), and so do its button and a press beside it. */

/** @param {HTMLDialogElement} dialog */
export function startDialog(dialog) {
  dialog.addEventListener('click', (event) => {
    const target = /** @type {HTMLElement} */ (event.target)
    if (target === dialog || target.closest('[data-close]')) dialog.close()
  })
}
