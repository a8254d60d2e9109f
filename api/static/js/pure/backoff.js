// @ts-check
/**
 * How long to wait before the next try: a random part of a bound that doubles, so that clients of a server that comes
 * back do not all come at once. Pure: chance is handed in. Source: "Exponential Backoff And Jitter" (AWS, 2015), full jitter.
 */
export class Backoff {
  /** @param {{ firstMs?: number, mostMs?: number, random?: () => number }} [options] */
  constructor({ firstMs = 250, mostMs = 15_000, random = Math.random } = {}) {
    this.firstMs = firstMs
    this.mostMs = mostMs
    this.random = random
    this.tries = 0
  }

  /** The next wait, ms. */
  next() {
    const bound = Math.min(this.mostMs, this.firstMs * 2 ** this.tries)
    this.tries += 1
    return this.random() * bound
  }

  reset() {
    this.tries = 0
  }
}
