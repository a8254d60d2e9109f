// @ts-check
/** Small helpers for the page. Text is only ever set as text, never as markup. */

/**
 * The element with an id that the page is known to have.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {{ [attribute: string]: string | number }} [attributes] `class`, `title`, `data-…`
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value))
  element.append(...children)
  return element
}

/**
 * Set text only when it is another one: untouched nodes cost nothing and keep a person's selection.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/**
 * Draw at most once a frame, always the newest; nothing while nobody can see the page.
 * @template T
 * @param {(value: T) => void} draw
 */
export function newestPerFrame(draw) {
  /** @type {{ value: T } | null} */
  let newest = null
  let asked = false
  const request = () => {
    if (asked || newest === null || document.hidden) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      const taken = newest
      newest = null
      if (taken) draw(taken.value)
    })
  }
  document.addEventListener('visibilitychange', request)
  return (/** @type {T} */ value) => {
    newest = { value }
    request()
  }
}

/** The tokens that canvases need, as they stand now. */
export function palette() {
  const style = getComputedStyle(document.documentElement)
  const token = (/** @type {string} */ name) => style.getPropertyValue(`--ml-${name}`).trim()
  return {
    ink: token('ink'),
    muted: token('muted'),
    rule: token('rule'),
    accent: token('accent'),
    alert: token('alert'),
    raised: token('raised'),
    surface: token('surface'),
    bg: token('bg'),
    onFill: token('on-fill'),
    font: token('font'),
  }
}

/** @typedef {ReturnType<typeof palette>} Palette */
