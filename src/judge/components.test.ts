import { describe, expect, test } from 'vitest';
import type { CheckResult } from '../model/index.ts';
import { type SpanPart, type SpanWorld, spanParts, watchSpans } from './testing/span-world.ts';

const latencyOf = (results: readonly CheckResult[]) => results.find(({ check }) => check === 'latency')!;

describe('ML-13 views by component', () => {
  test('the sentence of a failing latency names the component, with its numbers', () => {
    const { verdict } = watchSpans({ slow: { 'postgresql select': 2 } });
    expect(verdict.verdict).toBe('fail');
    expect(verdict.sentence).toMatch(
      /^p99 of the new tasks is .*\. In postgresql select: p99 \d+ % higher \([\d.]+ ms against [\d.]+ ms\), \d+ % of what traced requests take longer\.$/,
    );
    const [first, ...others] = latencyOf(verdict.perCheck).components!;
    expect(first!.component).toBe('postgresql select');
    expect(first!.newMean / first!.oldMean).toBeGreaterThan(1.8);
    expect(first!.shareOfAdded).toBeGreaterThan(0.8);
    expect(first!.interval![0]).toBeGreaterThan(0.3);
    expect(first!.interval![1]).toBeGreaterThan(1);
    expect(others.map(({ component }) => component).sort()).toEqual([
      'http payments.example',
      'internal render',
      'self',
    ]);
  });

  test('20 ms more in one component at a time: the right one is named', () => {
    const names = Object.keys(spanParts) as SpanPart[];
    for (let seed = 1; seed <= names.length; seed += 1) {
      const part = names[seed % names.length]!;
      const { verdict } = watchSpans({ seed, slow: { [part]: 1 + 0.02 / spanParts[part] } });
      const named = /In (the service’s own time|[^:]+):/.exec(verdict.sentence)?.[1];
      expect(named).toBe(part === 'self' ? 'the service’s own time' : part);
    }
  });

  test('a service whose own code became slower', () => {
    expect(watchSpans({ slow: { self: 8 } }).verdict.sentence).toMatch(
      / In the service’s own time: p99 [6-9]\d\d % higher/,
    );
  });

  test('tasks that were slow in one part all the time are not blamed for it', () => {
    const { verdict } = watchSpans({ lame: { 'http payments.example': 1.3 }, slow: { 'postgresql select': 3 } });
    expect(verdict.verdict).toBe('fail');
    expect(verdict.sentence).toContain(' In postgresql select: ');
  });

  test('it decides nothing: verdict, numbers and memory are the same without spans', () => {
    for (const world of [
      {},
      { slow: { 'postgresql select': 2 } },
      { slow: { 'internal render': 1.2 } },
    ] as SpanWorld[]) {
      const [traced, plain] = [watchSpans(world), watchSpans({ ...world, isTraced: false })];
      expect(traced.memory).toEqual(plain.memory);
      expect(traced.second).toBe(plain.second);
      const { components, sentence, ...rest } = latencyOf(traced.verdict.perCheck);
      const { sentence: plainSentence, ...without } = latencyOf(plain.verdict.perCheck);
      expect(components).toHaveLength(4);
      expect(without).not.toHaveProperty('components');
      expect(rest).toEqual(without);
      expect(sentence.startsWith(plainSentence)).toBe(true);
    }
  });

  test('too little that is traced says nothing instead of something', () => {
    const { verdict } = watchSpans({ slow: { 'postgresql select': 2 }, sampled: 0.0005 });
    expect(verdict.verdict).toBe('fail');
    expect(verdict.sentence).not.toContain(' In ');
  });

  test('what passes is shown by component too, with nothing in its sentence', () => {
    const { verdict } = watchSpans({});
    expect(verdict.verdict).not.toBe('fail');
    const { components, sentence } = latencyOf(verdict.perCheck);
    expect(components).toHaveLength(4);
    expect(sentence).not.toContain(' In ');
  });
});
