// @ts-check
/** The books: a chip that says whether they balance, and the bins that every message went to. */

import { byId, make, setText } from './dom.js'
import * as format from '../pure/format.js'

/** @typedef {import('../types.js').Books} Books */

/** @type {[import('../types.js').Bin, string][]} */
const BINS = [
  ['stored', 'stored'],
  ['late', 'late'],
  ['duplicate', 'duplicate'],
  ['dead_lettered', 'dead-lettered'],
  ['control', 'control'],
]
const NAMED_IN_CHIP = 2
const NAMED_IN_PANEL = 8

/**
 * What is missing, by name: AAPL 3–7, MSFT 12 and 4 more.
 * @param {Books} books
 * @param {number} most ranges named
 */
export function missing(books, most = NAMED_IN_CHIP) {
  const gaps = books.runs.flatMap((run) => run.gaps)
  if (gaps.length > 0) {
    const named = gaps.slice(0, most).map(({ symbol, from, to }) => {
      return from === to ? `${symbol} ${format.count(from)}` : `${symbol} ${format.count(from)}–${format.count(to)}`
    })
    const rest = gaps.length - named.length
    const more = books.totals.unbalanced > books.runs.length ? ' and more' : rest > 0 ? ` and ${format.count(rest)} more` : ''
    return `missing ${named.join(', ')}${more}`
  }
  const partition = books.partitions.find((book) => !book.balanced)
  if (partition) return `partition ${partition.partition} does not add up`
  const run = books.runs.find((book) => !book.balanced)
  return run ? `run ${run.run || 'without a name'} does not add up` : 'out of balance'
}

export class BooksPanel {
  /** @param {{ chip: HTMLElement, table: HTMLElement, state: HTMLElement, missing: HTMLElement }} elements */
  constructor(elements) {
    this.elements = elements
  }

  /** @param {Books} books with the runs that do not balance; the others are not looked at */
  update(books) {
    const { chip, table, state } = this.elements
    const empty = books.partitions.length === 0
    chip.hidden = empty
    setText(byId('books-glyph'), books.balanced ? '✓' : '✗')
    setText(byId('books-verdict'), books.balanced ? 'balanced' : missing(books))
    this.elements.missing.hidden = books.balanced
    setText(this.elements.missing, books.balanced ? '' : `✗ ${missing(books, NAMED_IN_PANEL)}`)
    chip.classList.toggle('balanced', books.balanced)
    chip.classList.toggle('unbalanced', !books.balanced)
    const total = (/** @type {import('../types.js').Bin | 'received'} */ name) =>
      books.partitions.reduce((sum, partition) => sum + partition[name], 0)
    const figures = [
      total('received'), ...BINS.map(([name]) => total(name)), books.totals.lost,
    ]
    if (table.children.length === 0) {
      table.append(line('received', 'sum'), ...BINS.map(([, label]) => line(label)), line('lost'))
    }
    figures.forEach((figure, index) => setText(/** @type {Node} */ (table.children[index].lastChild), format.count(figure)))
    const { open, closed } = books.totals
    setText(state, [counted(open, 'open'), counted(closed, 'closed')].filter(Boolean).join(', '))
  }
}

/** 1 run open, 3 runs closed. @param {number} runs @param {string} state */
function counted(runs, state) {
  return runs === 0 ? '' : `${format.count(runs)} ${runs === 1 ? 'run' : 'runs'} ${state}`
}

/** @param {string} label @param {string} [kind] */
function line(label, kind = '') {
  return make('tr', kind ? { class: kind } : {}, make('th', { scope: 'row' }, label), make('td', { class: 'number' }))
}
