// SPDX-License-Identifier: MIT
import type { RateLimit } from './web-config.ts';

/** Lets some requests through at once, and after that one each time an interval is over. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #clock: () => number;
  #tokens: number;
  #at: number;

  /** @param clock that nobody sets, in milliseconds */
  constructor(limit: RateLimit, clock = () => performance.now()) {
    this.#limit = limit;
    this.#clock = clock;
    this.#tokens = limit.burst;
    this.#at = clock();
  }

  /** @returns whether there was a token, which is used now */
  take(): boolean {
    const now = this.#clock();
    const { burst, intervalMs } = this.#limit;
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#at) / intervalMs);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
