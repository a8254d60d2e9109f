// @ts-check
/**
 * What the API answers and pushes, for the type checker alone.
 *
 * @typedef {{
 *   symbol: string, price: number, moving_average: number | null, alert: string | null, timestamp: number,
 *   id: number, size: number | null, change_pct: number | null, run: string | null, seq: number | null,
 *   partition: number | null, offset: number | null, late: boolean,
 * }} TickRecord
 *
 * @typedef {{
 *   id: number, symbol: string, text: string, price: number, previous_price: number, change_pct: number,
 *   moving_average: number, timestamp: number, partition: number, offset: number, tick_id: number,
 * }} Alert
 *
 * @typedef {{
 *   start: number, open: number | null, high: number | null, low: number | null, close: number | null,
 *   volume: number | null, ticks: number,
 * }} Bar `start`: the left edge, s; without a tick the prices are null
 *
 * @typedef {{
 *   balanced: boolean,
 *   partitions: ({ log: string, partition: number, balanced: boolean } & Record<Bin | 'received', number>)[],
 *   totals: { open: number, closed: number, unbalanced: number, lost: number },
 *   runs: {
 *     run: string, state: string, produced: number | null, lost: number, balanced: boolean,
 *     gaps: { symbol: string, from: number, to: number }[],
 *   }[],
 * }} Books
 *
 * @typedef {'stored' | 'late' | 'duplicate' | 'dead_lettered' | 'control'} Bin
 *
 * @typedef {{
 *   at: number, ticks_per_second: number, group_lag: number | null, delay_ms: number | null,
 *   balanced: boolean | null, clients: int, database: string | null, version: int, error: string | null,
 *   mend: string | null,
 * }} Status `version`: another number after every commit; `error`: why nothing new can be read
 * @typedef {number} int
 *
 * @typedef {
 *   | { type: 'snapshot', seq: int, newest_id: int, data: TickRecord[], alerts: Alert[], status: Status }
 *   | {
 *       type: 'delta', seq: int, after_id: int, newest_id: int, complete: boolean, ticks: TickRecord[],
 *       alerts: Alert[], status: Status,
 *     }
 *   | { type: 'status', seq: int, status: Status }
 * } Message
 *
 * What came, by whichever way: `latest` is one record of every symbol, `ticks` are all since the news before
 * (or, with `gap`, some of them).
 * @typedef {{
 *   newestId: number, latest: TickRecord[] | null, ticks: TickRecord[], alerts: Alert[],
 *   gap: boolean, restarted: boolean,
 * }} News
 *
 * @typedef {{
 *   offset: number, price: number, price_again: number | null, same: boolean, raw?: string | null, raw_b64?: string,
 * }} SeenTick
 *
 * @typedef {Alert & { provenance: {
 *   rule: { window: number, threshold_pct: number }, previous: SeenTick, current: SeenTick, window: SeenTick[],
 *   log: string, topic: string | null, partition: number, verdict: 'confirmed' | 'differs' | 'gone' | 'unreachable', detail: string,
 *   recomputed: { moving_average: number, change_pct: number, fires: boolean } | null,
 * } }} ExplainedAlert
 */
export {}
