// @ts-check
/**
 * What the API answers, for the type checker alone.
 *
 * @typedef {{
 *   symbol: string, price: number, moving_average: number | null, alert: string | null, timestamp: number,
 *   id: number, size: number | null, change_pct: number | null, run: string | null, seq: number | null,
 *   partition: number | null, offset: number | null, late: boolean,
 * }} TickRecord
 *
 * @typedef {{
 *   id: number, symbol: string, text: string, price: number, previous_price: number, change_pct: number,
 *   timestamp: number, partition: number, offset: number, tick_id: number,
 * }} Alert
 *
 * @typedef {{
 *   balanced: boolean,
 *   partitions: ({ log: string, partition: number, balanced: boolean } & Record<Bin | 'received', number>)[],
 *   runs: {
 *     run: string, state: string, produced: number | null, lost: number, balanced: boolean,
 *     gaps: { symbol: string, from: number, to: number }[],
 *   }[],
 * }} Books
 *
 * @typedef {'stored' | 'late' | 'duplicate' | 'dead_lettered' | 'control'} Bin
 */
export {}
