import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerOperation } from './facts.ts';
import { noLimits, noSharedLimits } from './limits.ts';
import { bucketsOf, limitRates, nextTokenAtMs, type RateBucket, takeToken } from './rates.ts';

const operation = {} as LedgerOperation;
const bucket = (count: number, perMs: number, change: Partial<RateBucket> = {}): RateBucket => ({
  id: 'all',
  name: 'of all services',
  limit: { count, perMs },
  domain: undefined,
  revision: 0,
  takenAtMs: [],
  ...change,
});

describe('rates', () => {
  it('D11 TWD-7 a burst: within no period is more taken out than the rate says, and nobody waits longer than needed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 100, max: 2000 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 80 }),
        (count, perMs, gaps) => {
          let state = bucket(count, perMs);
          let nowMs = 5000;
          const taken: number[] = [];
          for (const gap of gaps) {
            nowMs += gap;
            const answer = limitRates(operation, { nowMs, buckets: [state], labels: {} });
            // The model: count what lies within the period that ends now.
            const within = taken.filter((atMs) => atMs > nowMs - perMs).length;
            expect(answer.allowed).toBe(within < count);
            if (answer.allowed) {
              state = takeToken(state, nowMs);
              taken.push(nowMs);
            } else {
              expect(answer.atMs).toBeGreaterThan(nowMs);
              expect(answer.atMs).toBeLessThanOrEqual(nowMs + perMs);
              const then = limitRates(operation, { nowMs: answer.atMs, buckets: [state], labels: {} });
              expect(then.allowed).toBe(true);
              const before = limitRates(operation, { nowMs: answer.atMs - 1, buckets: [state], labels: {} });
              expect(before.allowed).toBe(false);
            }
            expect(state.takenAtMs.length).toBeLessThanOrEqual(count);
          }
        },
      ),
    );
  });

  it('a clock that was set back stops nothing for longer than two periods', () => {
    const full = bucket(1, 1000, { takenAtMs: [10_000_000] });
    expect(nextTokenAtMs(full, 5000)).toBe(5000);
    expect(nextTokenAtMs(bucket(1, 1000, { takenAtMs: [5500] }), 5000)).toBe(6500);
  });

  it('D11 a rate of a rack is for tasks on its hosts; the sentence says when the next token comes', () => {
    const rack = (value: string) => ({ id: `all/rack=${value}`, domain: { label: 'rack', value } });
    const buckets = [
      bucket(2, 60_000, { ...rack('a'), name: 'of shop in rack a', takenAtMs: [0, 30_000] }),
      bucket(2, 60_000, { ...rack('b'), takenAtMs: [0] }),
    ];
    const facts = { nowMs: 30_000, buckets };
    expect(limitRates(operation, { ...facts, labels: { rack: 'a' } })).toEqual({
      allowed: false,
      atMs: 60_000,
      reason: 'The rate 2 per 1 m of shop in rack a is used up; next at 00:01:00 UTC.',
    });
    expect(limitRates(operation, { ...facts, labels: { rack: 'b' } })).toEqual({
      allowed: true,
      takes: ['all/rack=b'],
    });
    expect(limitRates(operation, { ...facts, labels: {} })).toEqual({ allowed: true, takes: [] });
  });

  it('a job is concerned by the rates of its service and of all, once for each domain among the hosts', () => {
    const hosts = ['a', 'b', 'a'].map((rack, at) => ({ id: `host-${at}`, labels: { rack } }));
    const rate = { count: 1, perMs: 1000 };
    const own = { ...noLimits, rate, ratePerDomain: { rack: rate } };
    const ids = bucketsOf('shop', own, { rate, ratePerDomain: { region: rate } }, hosts).map(({ id }) => id);
    expect(ids).toEqual(['service/shop', 'service/shop/rack=a', 'service/shop/rack=b', 'all']);
    expect(bucketsOf('shop', noLimits, noSharedLimits, hosts)).toEqual([]);
  });
});
