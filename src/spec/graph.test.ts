import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Vertex, validatePipeline } from './graph.ts';

const vertex = (name: string, needs: readonly string[] = [], more: Partial<Vertex> = {}): Vertex => ({
  name,
  needs: [...needs],
  inputs: [],
  type: 'run',
  ...more,
});

const tell = (actions: readonly Vertex[]) =>
  validatePipeline(actions).map(({ code, path, message }) => `${code} ${path.slice(2).join('.')} ${message}`);

describe('P1 a pipeline is a DAG over typed artifacts', () => {
  it('names a cycle along its needs, once, and what can never run because of it', () => {
    expect(tell([vertex('a', ['c']), vertex('b', ['a']), vertex('c', ['b']), vertex('d', ['b']), vertex('e')])).toEqual(
      [
        'spec/cycle a.needs is in a cycle: a needs c needs b needs a',
        'spec/invalid d.needs can never run: it comes after the cycle of a',
      ],
    );
    expect(tell([vertex('a', ['a'])])).toEqual(['spec/cycle a.needs is in a cycle: a needs a']);
  });

  it('names two cycles that have nothing to do with each other', () => {
    const codes = tell([vertex('a', ['b']), vertex('b', ['a']), vertex('c', ['d']), vertex('d', ['c'])]);
    expect(codes).toHaveLength(2);
  });

  it('names needs that do not exist, with what was probably meant', () => {
    expect(tell([vertex('build'), vertex('test', ['biuld'])])).toEqual([
      'spec/unknown-action test.needs.0 needs "biuld", which is no action; did you mean "build"?',
    ]);
  });

  it('names artifacts that nothing before makes, also when something beside or after does', () => {
    const make = vertex('make', [], { output: 'package' });
    const take = (needs: string[]) => vertex('take', needs, { inputs: ['package'] });
    expect(tell([make, take(['make'])])).toEqual([]);
    expect(tell([make, vertex('between', ['make']), take(['between'])])).toEqual([]);
    expect(tell([make, take([])])).toEqual([
      'spec/unknown-artifact take.inputs.0 takes "package", which no action before it makes',
    ]);
    expect(tell([vertex('make', ['take'], { output: 'package' }), take([])])).toHaveLength(1);
  });

  it('property: random graphs are refused exactly when they have a cycle, and the cycle named is one', () => {
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((n) =>
        fc
          .array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: 20 })
          .map((edges) =>
            Array.from({ length: n }, (_, i) =>
              vertex(`n${i}`, [...new Set(edges.filter(([from]) => from === i).map(([, to]) => `n${to}`))]),
            ),
          ),
      );
    fc.assert(
      fc.property(graph, (actions) => {
        const errors = validatePipeline(actions);
        expect(errors.some(({ code }) => code === 'spec/cycle')).toBe(hasCycle(actions));
        expect(errors.length === 0).toBe(!hasCycle(actions));
        const needsOf = new Map(actions.map(({ name, needs }) => [name, needs]));
        for (const { code, message } of errors) {
          if (code !== 'spec/cycle') continue;
          const way = message.replace('is in a cycle: ', '').split(' needs ');
          expect(way[0]).toBe(way.at(-1));
          for (let i = 1; i < way.length; i++) expect(needsOf.get(way[i - 1]!)).toContain(way[i]);
        }
        const inCycle = new Set(actions.filter(({ name }) => reaches(actions, name, name)).map(({ name }) => name));
        const behind = actions.filter(
          ({ name }) => !inCycle.has(name) && [...inCycle].some((other) => reaches(actions, name, other)),
        );
        const dead = errors.filter(({ message }) => message.startsWith('can never run')).map(({ path }) => path[2]);
        expect(dead.sort()).toEqual(behind.map(({ name }) => name).sort());
      }),
    );
  });

  it('checks 500 actions without looking at every path between them', () => {
    const actions = Array.from({ length: 500 }, (_, i) =>
      vertex(
        `n${i}`,
        i === 0 ? [] : [`n${i - 1}`, `n${i >> 1}`].filter((n, at, all) => all.indexOf(n) === at && n !== `n${i}`),
      ),
    );
    expect(validatePipeline(actions)).toEqual([]);
  });
});

/** The oracle: repeatedly take away what needs nothing (Kahn). */
function hasCycle(actions: readonly Vertex[]): boolean {
  let left = actions;
  for (;;) {
    const names = new Set(left.map(({ name }) => name));
    const next = left.filter(({ needs }) => needs.some((need) => names.has(need)));
    if (next.length === left.length) return left.length > 0;
    left = next;
  }
}

function reaches(actions: readonly Vertex[], from: string, to: string): boolean {
  const needsOf = new Map(actions.map(({ name, needs }) => [name, needs]));
  const seen = new Set<string>();
  const waiting = [...(needsOf.get(from) ?? [])];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === to) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(...(needsOf.get(name) ?? []));
  }
  return false;
}
