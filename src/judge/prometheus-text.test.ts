import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultParseLimits, deltasBetween, parsePrometheusText } from './index.ts';

const text = `# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{route="/",code="200"} 1027 1395066363000
http_requests_total{route="/a\\"b\\\\c\\nd",code="500"} 3
# TYPE heap gauge
heap 1.5e+06
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.1"} 5
http_request_duration_seconds_bucket{le="0.5"} 8
http_request_duration_seconds_bucket{le="+Inf"} 10
http_request_duration_seconds_sum 4.5
http_request_duration_seconds_count 10
`;

describe('the text format', () => {
  test('counters, gauges and histograms with their labels', () => {
    const { points, dropped } = parsePrometheusText(text);
    expect(dropped).toBe(0);
    expect(points).toEqual([
      { kind: 'counter', name: 'http_requests_total', labels: { route: '/', code: '200' }, value: 1027 },
      { kind: 'counter', name: 'http_requests_total', labels: { route: '/a"b\\c\nd', code: '500' }, value: 3 },
      { kind: 'gauge', name: 'heap', labels: {}, value: 1.5e6 },
      {
        kind: 'histogram',
        name: 'http_request_duration_seconds',
        labels: {},
        bounds: [0.1, 0.5, Number.POSITIVE_INFINITY],
        counts: [5, 3, 2],
        sum: 4.5,
      },
    ]);
  });

  test('OpenMetrics: a family without _total, exemplars, _created, nothing after EOF', () => {
    const { points, dropped } = parsePrometheusText(
      '# TYPE calls counter\ncalls_total{a="1"} 5 # {trace="x"} 1 2\ncalls_created{a="1"} 1.6e9\n# EOF\nlate 1\n',
    );
    expect(dropped).toBe(0);
    expect(points).toEqual([{ kind: 'counter', name: 'calls_total', labels: { a: '1' }, value: 5 }]);
  });

  test('a name that is quoted, and one without a type', () => {
    const { points } = parsePrometheusText('{"http.requests", code="500"} 2\nthings_total 3\ntemperature -4\n');
    expect(points.map(({ name, kind }) => [name, kind])).toEqual([
      ['http.requests', 'gauge'],
      ['things_total', 'counter'],
      ['temperature', 'gauge'],
    ]);
  });

  const bad: [string, string][] = [
    ['a NaN', 'x NaN'],
    ['an infinity', 'x +Inf'],
    ['a total below zero', 'x_total -1'],
    ['labels without an end', 'x{a="b" 1'],
    ['a quotation without an end', 'x{a="b} 1'],
    ['no value', 'x'],
    ['a value that is no number', 'x 0x10'],
    ['HTML', '<html><body>Not found</body></html>'],
    ['too many labels', `x{${Array.from({ length: 31 }, (_, i) => `l${i}="v"`).join()}} 1`],
    ['a label that is too long', `x{a="${'v'.repeat(501)}"} 1`],
    ['buckets that fall', '# TYPE h histogram\nh_bucket{le="1"} 5\nh_bucket{le="2"} 4\nh_bucket{le="+Inf"} 6'],
    ['the same series twice', 'x 1\nx 2'],
  ];
  test.each(bad)('%s is left out and named', (_, line) => {
    const { points, dropped, findings } = parsePrometheusText(`${line}\nfine 1\n`);
    expect(dropped).toBe(1);
    expect(findings).toHaveLength(1);
    expect(points.filter(({ name }) => name === 'fine')).toHaveLength(1);
    expect(points.length).toBeLessThanOrEqual(2);
  });

  test('label explosions and gigantic answers are bounded', () => {
    const many = Array.from({ length: 5000 }, (_, i) => `x{id="${i}"} 1`).join('\n');
    expect(parsePrometheusText(many).points).toHaveLength(defaultParseLimits.maxSeries);
    expect(parsePrometheusText(many).dropped).toBe(3000);
    const cut = parsePrometheusText(many, { ...defaultParseLimits, maxBytes: 100 });
    expect(cut.isTruncated).toBe(true);
    expect(cut.points.length).toBeLessThan(10);
  });

  test('reads whatever it is given without throwing', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"',
      '\\',
      '=',
      ',',
      ' ',
      '#',
      '# TYPE x histogram\n',
      'x_bucket{le="1"} 2',
      '\n',
      '\r',
      'é',
      '1',
      'NaN',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (pieces) => {
        const { points } = parsePrometheusText(pieces.join(''));
        for (const point of points) expect(point.name).not.toBe('');
      }),
      { numRuns: 300 },
    );
  });
});

describe('differences between scrapes', () => {
  const at = (value: number, counts: number[] = [value, 0]) =>
    parsePrometheusText(
      `# TYPE n counter\nn ${value}\ng ${value}\n# TYPE h histogram\nh_bucket{le="1"} ${counts[0]}\nh_bucket{le="+Inf"} ${counts[0]! + counts[1]!}\nh_sum ${value}\n`,
    ).points;

  test('totals become differences; a gauge stays what it is', () => {
    expect(deltasBetween(at(5, [2, 3]), at(9, [4, 8])).deltas.map(({ value }) => value)).toEqual([
      { counterDelta: 4 },
      { gauge: 9 },
      { histogramDelta: { bounds: [1, Number.POSITIVE_INFINITY], counts: [2, 5], sum: 4 } },
    ]);
  });
  test('a reset counts from zero again', () => {
    expect(deltasBetween(at(50), at(3)).deltas.map(({ value }) => value)).toEqual([
      { counterDelta: 3 },
      { gauge: 3 },
      { histogramDelta: { bounds: [1, Number.POSITIVE_INFINITY], counts: [3, 0], sum: 3 } },
    ]);
  });
  test('without an earlier scrape only gauges are known: missing is not zero', () => {
    expect(deltasBetween(undefined, at(3)).deltas.map(({ metric }) => metric)).toEqual(['g']);
  });
  test('a series that is new counts from zero', () => {
    expect(deltasBetween([], at(3)).deltas.map(({ value }) => value)[0]).toEqual({ counterDelta: 3 });
  });
});
