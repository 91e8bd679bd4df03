import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

import { Problem } from '../problems.ts';

/** How much is too much. */
export interface RateLimitSettings {
  /** Requests a second that one API key may make. */
  readonly requestsPerKey_perSecond: number;
  /** Attempts a minute that one address may make with missing or wrong credentials. */
  readonly failuresPerAddress_perMinute: number;
}

/** Limits that come before everything else, so that nobody fills the log or the database. Kept in this process's memory. */
export interface RateLimits {
  /** Counts a request of a key; throws the problem `rate_limited` when there were too many. */
  countRequest(keyId: string): Promise<void>;
  /** Counts an attempt without valid credentials; throws the problem `rate_limited` when there were too many. */
  countFailure(address: string): Promise<void>;
}

export function createRateLimits(settings: RateLimitSettings): RateLimits {
  const requests = new RateLimiterMemory({ points: settings.requestsPerKey_perSecond, duration: 1 });
  const failures = new RateLimiterMemory({ points: settings.failuresPerAddress_perMinute, duration: 60 });
  return {
    countRequest: (keyId) => consume(requests, keyId, 'This API key makes too many requests.'),
    countFailure: (address) => consume(failures, address, 'Too many attempts with wrong credentials.'),
  };
}

async function consume(limiter: RateLimiterMemory, key: string, detail: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const retryAfter_s = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
    throw new Problem('rate_limited', detail, { retryAfter_s });
  }
}

/** Far above what one client on one machine makes, far below what hurts. */
export const usualRateLimits: RateLimitSettings = { requestsPerKey_perSecond: 2000, failuresPerAddress_perMinute: 200 };
