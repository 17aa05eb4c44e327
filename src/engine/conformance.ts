import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type NewEvent, rollway } from '../model/index.ts';
import type { Store, Tx } from '../store/index.ts';
import { Abandon, type NewEffect, type Proposal, pendingCommands, type Turn, type WorkKind } from './index.ts';
import { deeds, playStory } from './story.conformance.ts';
import { createBook, readPage, writeLine } from './testing/book.ts';
import { createTestClock, createWorld, drain, settle, type World } from './testing/world.ts';
import { operation, playWakeUps } from './wake-ups.conformance.ts';
import { deleteIdleWork } from './work-rows.ts';

const actor = rollway('test');
const hourMs = 3_600_000;

/** What the engine must do on every database. `makeStore` opens a new, empty one each time. */
export function engineConformance(name: string, makeStore: () => Promise<Store>): void {
  describe(`the engine on ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await makeStore();
      await createBook(store);
    });
    afterEach(() => store.close());

    const page = (title: string) => store.read((tx) => readPage(tx, title));

    describe('work', () => {
      test('what is enqueued several times before it runs, runs once', async () => {
        const world = createWorld(store);
        const runs = recordRuns(world, 'decide');
        await world.engine.enqueue({ kind: 'decide', key: 'a' }, { kind: 'decide', key: 'b' });
        await world.engine.enqueue({ kind: 'decide', key: 'a' });
        expect(await settle(world)).toBe(2);
        expect(runs).toEqual(['a', 'b']);
        expect(await world.engine.nextDueAtMs()).toBeUndefined();
      });

      test('what is enqueued while it runs, runs again', async () => {
        const world = createWorld(store);
        let runs = 0;
        world.engine.registerWork({
          kind: 'decide',
          run: async ({ key }) => {
            runs += 1;
            if (runs < 4) await world.engine.enqueue({ kind: 'decide', key });
          },
        });
        await world.engine.enqueue({ kind: 'decide', key: 'a' });
        await settle(world);
        expect(runs).toBe(4);
      });

      test('a timer runs at its time, of several the earliest, and one still to come survives an earlier run', async () => {
        const world = createWorld(store);
        const start = world.clock.nowMs();
        const runs: number[] = [];
        world.engine.registerWork({ kind: 'look', run: async ({ nowMs }) => void runs.push(nowMs - start) });
        const lookAt = (ms: number) => world.engine.enqueue({ kind: 'look', key: 'a', dueAtMs: start + ms });
        await lookAt(300);
        await lookAt(100);
        await lookAt(200);
        expect(await settle(world)).toBe(0);
        expect(await world.engine.nextDueAtMs()).toBe(start + 100);
        for (let i = 0; i < 2; i++) {
          await world.engine.enqueue({ kind: 'look', key: 'a' });
          await settle(world);
        }
        await drain(world);
        expect(runs).toEqual([0, 0, 100]);
      });

      test('rows that want nothing are forgotten; what is wanted later runs, and no claim of before fits', async () => {
        const world = createWorld(store);
        const runs = recordRuns(world, 'decide');
        const rows = () => store.read((tx) => tx.selectFrom('work').select(['key', 'epoch']).orderBy('key').execute());
        await world.engine.enqueue({ kind: 'decide', key: 'a' });
        await settle(world);
        const [before] = await rows();
        await world.engine.enqueue({ kind: 'decide', key: 'due', dueAtMs: world.clock.nowMs() + 1000 });
        await world.engine.enqueue({ kind: 'decide', key: 'wanted' });
        await store.transaction(deleteIdleWork);
        expect((await rows()).map(({ key }) => key)).toEqual(['due', 'wanted']);
        world.clock.advanceTo(world.clock.nowMs() + 1000);
        await world.engine.enqueue({ kind: 'decide', key: 'a' });
        expect(Number((await rows())[0]!.epoch)).toBeGreaterThan(Number(before!.epoch));
        await settle(world);
        expect([...runs].sort()).toEqual(['a', 'a', 'due', 'wanted']);
      });

      test('urgent work comes first, and the rest in the order in which it became due', async () => {
        const world = createWorld(store);
        const runs = recordRuns(world, 'decide');
        const start = world.clock.nowMs();
        await world.engine.enqueue({ kind: 'decide', key: 'late' });
        await world.engine.enqueue({ kind: 'decide', key: 'early', dueAtMs: start - 10 });
        await world.engine.enqueue({ kind: 'decide', key: 'command', urgent: true });
        await settle(world);
        expect(runs).toEqual(['command', 'early', 'late']);
      });

      test('a turn that throws is tried again ever later, then parked with its error, and hourly after that', async () => {
        const world = createWorld(store);
        const times: number[] = [];
        world.engine.registerWork({
          kind: 'fail',
          maxAttempts: 4,
          run: async ({ nowMs }) => {
            times.push(nowMs);
            throw new Error('the disk is full');
          },
        });
        await world.engine.enqueue({ kind: 'fail', key: 'a' });
        await drain(world, world.clock.nowMs() + hourMs / 2);
        expect(times).toHaveLength(4);
        const waits = times.slice(1).map((at, i) => at - times[i]!);
        for (const [i, wait] of waits.entries()) {
          expect(wait).toBeGreaterThanOrEqual(100 * 2 ** i);
          expect(wait).toBeLessThanOrEqual(200 * 2 ** i);
        }
        const { work } = await world.engine.listParked();
        expect(work).toMatchObject([{ kind: 'fail', key: 'a', attempts: 4 }]);
        expect(work[0]?.lastError).toContain('the disk is full');
        const [event] = await world.engine.readStream('work/fail', 0, 10);
        expect(event).toMatchObject({ type: 'work.parked', data: { key: 'a' } });
        expect(await world.engine.nextDueAtMs()).toBe(times[3]! + hourMs);

        await world.engine.enqueue({ kind: 'fail', key: 'a' });
        expect(await settle(world)).toBe(0);
        await drain(world, times[3]! + hourMs);
        expect(times).toHaveLength(5);
      });

      test('parked work runs again when a person says so, on a command for it, and after an upgrade', async () => {
        const world = createWorld(store);
        let fails = true;
        let runs = 0;
        const kind: WorkKind = {
          kind: 'fail',
          maxAttempts: 1,
          run: async () => {
            runs += 1;
            if (fails) throw new Error('no');
          },
        };
        world.engine.registerWork(kind);
        await world.engine.enqueue({ kind: 'fail', key: 'a' });
        await settle(world);
        expect(await world.engine.retryParked({ kind: 'fail', key: 'a' })).toBe(1);
        await settle(world);
        await world.engine.submitCommand(command('cmd_1', 'fail', 'a'));
        await settle(world);
        expect(runs).toBe(3);
        expect((await world.engine.listParked()).work).toHaveLength(1);
        fails = false;
        const upgraded = createWorld(store, { clock: world.clock, settings: { programVersion: '2' } });
        upgraded.engine.registerWork(kind);
        await settle(upgraded);
        expect(runs).toBe(4);
        expect(await upgraded.engine.listParked()).toEqual({ work: [], effects: [] });
      });

      test('work of an unknown kind is parked, not lost', async () => {
        const world = createWorld(store, { settings: { maxAttempts: 2 } });
        await world.engine.enqueue({ kind: 'unheard-of', key: 'a' });
        await drain(world, world.clock.nowMs() + hourMs / 2);
        const { work } = await world.engine.listParked();
        expect(work[0]?.lastError).toContain('unheard-of');
      });

      test('a command waits for its work, is answered once, and the answer can be read', async () => {
        const world = createWorld(store);
        registerCommit(world, 'job/decide', async (turn, tx) => {
          const waiting = await pendingCommands(tx, 'job/decide', turn.key);
          const answers = waiting.map(({ id, name }) => ({ id, ok: name === 'pause', detail: `${name} heard` }));
          return { answers };
        });
        await world.engine.submitCommand(command('cmd_1', 'job/decide', 'a', 'pause'));
        await world.engine.submitCommand(command('cmd_2', 'job/decide', 'a', 'dance'));
        await world.engine.submitCommand(command('cmd_3', 'job/decide', 'b', 'pause'));
        expect((await world.engine.findCommand('cmd_1'))?.outcome).toBeUndefined();
        await settle(world);
        expect(await world.engine.findCommand('cmd_1')).toMatchObject({
          name: 'pause',
          actor: { kind: 'person', name: 'ada' },
          outcome: { ok: true, detail: 'pause heard' },
        });
        expect((await world.engine.findCommand('cmd_2'))?.outcome).toEqual({ ok: false, detail: 'dance heard' });
        expect((await world.engine.findCommand('cmd_3'))?.outcome?.ok).toBe(true);
        expect(await world.engine.findCommand('cmd_4')).toBeUndefined();
      });

      test('no wake-up is lost, however enqueues, turns, failures and crashes interleave', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 12 }), async (operations) => {
            await playWakeUps(store, operations);
          }),
          { numRuns: name.startsWith('SQLite') ? 60 : 15 },
        );
      });
    });

    describe('a process that vanished', () => {
      test('loses its row at the end of its lease, and its late commit is refused', async () => {
        const clock = createTestClock();
        const [slow, quick] = [createWorld(store, { clock }), createWorld(store, { clock })];
        const commits: string[] = [];
        const kindOf = (who: string, before: () => Promise<void>): WorkKind => ({
          kind: 'decide',
          run: async (turn) => {
            await before();
            const line = await turn.commit(async () => ({
              write: (tx) => writeLine(tx, 'book', who),
              result: who,
            }));
            if (line !== undefined) commits.push(line);
          },
        });
        slow.engine.registerWork(
          kindOf('slow', async () => {
            clock.advanceTo(clock.nowMs() + 29_999);
            expect(await settle(quick)).toBe(0);
            clock.advanceTo(clock.nowMs() + 1);
            expect(await settle(quick)).toBe(1);
          }),
        );
        quick.engine.registerWork(kindOf('quick', async () => {}));
        await slow.engine.enqueue({ kind: 'decide', key: 'a' });
        await settle(slow);
        expect(commits).toEqual(['quick']);
        expect(await page('book')).toEqual(['quick']);
        expect(await slow.engine.nextDueAtMs()).toBeUndefined();
      });

      test('is taken over at once where there is only one at a time', async () => {
        const clock = createTestClock();
        const hooks = { afterCommit: ({ what }: { what: string }) => what === 'claim' && abandon() };
        const dead = createWorld(store, { clock, hooks });
        await dead.engine.enqueue({ kind: 'decide', key: 'a' });
        recordRuns(dead, 'decide');
        await expect(settle(dead)).rejects.toThrow('abandoned');
        await expect(dead.engine.enqueue({ kind: 'decide', key: 'b' })).rejects.toThrow('abandoned');
        const next = createWorld(store, { clock, settings: { isSoleProcess: true } });
        const runs = recordRuns(next, 'decide');
        expect(await settle(next)).toBe(1);
        expect(runs).toEqual(['a']);
      });
    });

    describe('guards', () => {
      test('of decisions that admit at the same moment, each revision lets one through', async () => {
        const { engine } = createWorld(store);
        let attempts = 0;
        const admit = (who: string) =>
          engine.commitAs(actor, async ({ tx, guard }) => {
            attempts += 1;
            await guard('job', 'guestbook@production');
            const isFree = (await readPage(tx, 'admitted')).length < 3;
            if (!isFree) return undefined;
            return {
              bump: [{ kind: 'job', id: 'guestbook@production' }],
              write: (writing) => writeLine(writing, 'admitted', who),
              result: who,
            };
          });
        const ends = await Promise.all(Array.from({ length: 12 }, (_, i) => admit(`${10 + i}`)));
        expect(ends.filter((end) => end !== undefined)).toHaveLength(3);
        expect(await page('admitted')).toHaveLength(3);
        expect(attempts).toBeGreaterThanOrEqual(12);
        const revision = await store.read((tx) => revisionOf(tx, 'guestbook@production'));
        expect(revision).toBe(3);
      });

      test('a decision that only read a guard runs again when another one bumped it', async () => {
        const { engine } = createWorld(store);
        // Assigning a version while it is being marked bad: whoever commits second must have seen the other.
        for (let round = 0; round < 10; round++) {
          const [id, stream] = [`repository-${round}`, `job/${round}`];
          const mark = engine.commitAs(actor, async ({ guard }) => {
            await guard('repository', id);
            return {
              bump: [{ kind: 'repository', id }],
              write: (tx) => writeLine(tx, id, 'marked'),
              events: [{ ...event(stream), type: 'marked' }],
              result: true,
            };
          });
          const assign = engine.commitAs(actor, async ({ tx, guard }) => {
            await guard('repository', id);
            const sawMark = (await readPage(tx, id)).includes('marked');
            return { events: [{ ...event(stream, { sawMark }), type: 'assigned' }], result: sawMark };
          });
          await Promise.all([mark, assign]);
          const told = await engine.readStream(stream, 0, 9);
          expect(told.map((one) => one.type).sort()).toEqual(['assigned', 'marked']);
          const isMarkedFirst = told[0]?.type === 'marked';
          if (isMarkedFirst) expect(told[1]?.data).toEqual({ sawMark: true });
        }
      });

      test('a guard must be read before it is bumped', async () => {
        const { engine } = createWorld(store);
        const bump = engine.commitAs(actor, async () => ({ bump: [{ kind: 'job', id: 'a' }], result: 1 }));
        await expect(bump).rejects.toThrow('not read first');
      });

      test('guards are taken in one order, so that decisions on the same ones never block each other', async () => {
        const { engine } = createWorld(store);
        const refs = [
          { kind: 'host', id: 'h1' },
          { kind: 'job', id: 'j1' },
          { kind: 'job', id: 'j2' },
          { kind: 'repository', id: 'r1' },
        ] as const;
        const decide = (i: number) =>
          engine.commitAs(actor, async ({ guard }) => {
            const mine = [...refs.slice(i % 4), ...refs.slice(0, i % 4)];
            for (const { kind, id } of mine) await guard(kind, id);
            return {
              bump: mine,
              work: mine.map(({ kind, id }) => ({ kind, key: id })),
              events: mine.map(({ id }) => event(`job/${id}`)),
              result: true,
            };
          });
        const ends = await Promise.all(Array.from({ length: 12 }, (_, i) => decide(i)));
        expect(ends).toEqual(Array(12).fill(true));
        expect(await store.read((tx) => revisionOf(tx, 'j1'))).toBe(12);
      });

      test('nobody writes an event in the name of somebody else', async () => {
        const { engine } = createWorld(store);
        const ada = { kind: 'person', name: 'ada' } as const;
        const asAda = (events: NewEvent[]) => engine.commitAs(ada, async () => ({ events, result: true }));
        expect(await asAda([{ ...event('job/a'), actor: ada }, event('job/a')])).toBe(true);
        const forged = asAda([{ ...event('job/a'), actor: { kind: 'person', name: 'bob' } }]);
        await expect(forged).rejects.toThrow('somebody else');
      });
    });

    describe('effects', () => {
      test('those of one receiver and order run one after another, also past failures; cancels do not wait', async () => {
        const world = createWorld(store);
        const begun: string[] = [];
        let isUp = false;
        const run = async ({ id }: { id: string }) => {
          begun.push(id);
          if (!isUp && id === 'eff_1') throw new Error('unreachable');
          return {};
        };
        world.engine.registerEffect({ kind: 'execute', safeToRepeat: true, run });
        world.engine.registerEffect({ kind: 'op-cancel', safeToRepeat: true, run });
        const others = [
          effect('eff_4', 'execute', 'other task'),
          effect('eff_5', 'op-cancel'),
          { ...effect('eff_6', 'execute'), unordered: true },
        ];
        await world.engine.append({ effects: [effect('eff_1'), effect('eff_2'), effect('eff_3'), ...others] });
        await settle(world);
        expect(begun).toEqual(['eff_1', 'eff_4', 'eff_5', 'eff_6']);
        isUp = true;
        await drain(world);
        expect(begun.slice(4)).toEqual(['eff_1', 'eff_2', 'eff_3']);
      });

      test('its outcome is committed together with "done"', async () => {
        const world = createWorld(store);
        const runs = recordRuns(world, 'decide');
        world.engine.registerEffect({
          kind: 'execute',
          safeToRepeat: true,
          run: async ({ payload }) => ({
            write: (tx) => writeLine(tx, 'outcome', JSON.stringify(payload)),
            events: [event('job/a', { written: true })],
            work: [{ kind: 'decide', key: 'a' }],
          }),
        });
        await world.engine.append({ effects: [{ ...effect('eff_1'), payload: { index: 3 } }] });
        await settle(world);
        expect(await page('outcome')).toEqual(['{"index":3}']);
        expect(runs).toEqual(['a']);
        expect(await world.engine.readStream('job/a', 0, 9)).toMatchObject([{ data: { written: true } }]);
      });

      test('a withdrawn one never begins, by its id or by its receiver', async () => {
        const world = createWorld(store);
        const begun = recordEffects(world, 'execute');
        const late = world.clock.nowMs() + 50;
        const all = ['eff_1', 'eff_2', 'eff_3', 'eff_4'].map((id) => ({ ...effect(id), dueAtMs: late }));
        all[2] = { ...all[2]!, receiver: 'agent/lost' };
        all[3] = { ...all[3]!, receiver: 'agent/lost', orderKey: 'other' };
        await world.engine.append({ effects: all });
        await world.engine.commitAs(actor, async () => ({
          withdraw: ['eff_1'],
          withdrawFrom: ['agent/lost'],
          result: true,
        }));
        await drain(world);
        expect(begun).toEqual(['eff_2']);
      });

      test('one that must not be repeated is parked after a crash, and what is behind it waits for a person', async () => {
        const clock = createTestClock();
        const hooks = { afterEffect: abandon };
        const dead = createWorld(store, { clock, hooks });
        const first = recordEffects(dead, 'charge', false);
        await dead.engine.append({ effects: [effect('eff_1', 'charge'), effect('eff_2', 'charge')] });
        await expect(settle(dead)).rejects.toThrow('abandoned');
        const next = createWorld(store, { clock });
        const begun = recordEffects(next, 'charge', false);
        await drain(next);
        expect([first, begun]).toEqual([['eff_1'], []]);
        expect((await next.engine.listParked()).effects).toMatchObject([{ id: 'eff_1', isUncertain: true }]);
        expect(await next.engine.readStream('effect/agent/host-1', 0, 9)).toMatchObject([{ type: 'effect.parked' }]);
        expect(await next.engine.retryParked('all')).toBe(0);

        expect(await next.engine.retryParked({ effect: 'eff_1' })).toBe(1);
        await drain(next);
        expect(begun).toEqual(['eff_1', 'eff_2']);
      });

      test('a person may end a parked one, and what is behind it goes on', async () => {
        const world = createWorld(store);
        const begun: string[] = [];
        world.engine.registerEffect({
          kind: 'charge',
          safeToRepeat: false,
          run: async ({ id }) => {
            begun.push(id);
            if (id === 'eff_1') throw new Error('timed out');
            return {};
          },
        });
        await world.engine.append({ effects: [effect('eff_1', 'charge'), effect('eff_2', 'charge')] });
        await drain(world);
        expect(begun).toEqual(['eff_1']);
        expect((await world.engine.listParked()).effects[0]?.lastError).toContain('timed out');
        expect(await world.engine.dropEffect('eff_1')).toBe(true);
        expect(await world.engine.dropEffect('eff_1')).toBe(false);
        await drain(world);
        expect(begun).toEqual(['eff_1', 'eff_2']);
      });

      test('one that always fails is parked after its tries, and tried hourly', async () => {
        const world = createWorld(store);
        let tries = 0;
        world.engine.registerEffect({
          kind: 'notify',
          safeToRepeat: true,
          maxAttempts: 3,
          run: async () => {
            tries += 1;
            throw new Error('503');
          },
        });
        await world.engine.append({ effects: [effect('eff_1', 'notify')] });
        await drain(world, world.clock.nowMs() + hourMs / 2);
        expect(tries).toBe(3);
        expect((await world.engine.listParked()).effects).toMatchObject([{ id: 'eff_1', isUncertain: false }]);
        await drain(world, world.clock.nowMs() + hourMs);
        expect(tries).toBe(4);
      });
    });

    describe('events', () => {
      test('have a sequence per stream and a global position, both without a gap', async () => {
        const world = createWorld(store);
        for (let i = 0; i < 5; i++) {
          await world.engine.append({ events: [event('job/b', { i }), event('job/a', { i }), event('job/b', { i })] });
        }
        await settle(world);
        const all = await world.engine.readEvents(0, 100);
        expect(all.map((one) => one.position)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
        for (const [stream, length] of [
          ['job/a', 5],
          ['job/b', 10],
        ] as const) {
          const sequences = all.filter((one) => one.stream === stream).map((one) => one.sequence);
          expect(sequences).toEqual(Array.from({ length }, (_, i) => i + 1));
        }
        expect(await world.engine.readEvents(12, 2)).toEqual(all.slice(12, 14));
        expect(await world.engine.lastPosition()).toBe(15);
        expect(await world.engine.verifyChain('all')).toEqual({ ok: true, events: 15 });
      });

      test('of transactions at once, positions stay gap-free and streams in order', async () => {
        const world = createWorld(store);
        await Promise.all(
          Array.from({ length: 30 }, (_, i) =>
            world.engine.append({ events: [event(`job/${i % 3}`, { i }), event('job/all', { i })] }),
          ),
        );
        await settle(world);
        const all = await world.engine.readEvents(0, 100);
        expect(all.map((one) => one.position)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
        expect(await world.engine.verifyChain('all')).toEqual({ ok: true, events: 60 });
      });

      test('what is larger than 4 kB is kept once beside them, and read back in place', async () => {
        const world = createWorld(store);
        const plan = { phases: 'x'.repeat(5000) };
        await world.engine.append({ events: [event('job/a', { plan, small: 1 })] });
        await world.engine.append({ events: [event('job/b', { plan, other: [2] })] });
        await settle(world);
        const [first, second] = await world.engine.readEvents(0, 9);
        expect(first?.data).toEqual({ plan, small: 1 });
        expect(second?.data).toEqual({ plan, other: [2] });
        const facts = await store.read((tx) => tx.selectFrom('fact').selectAll().execute());
        expect(facts).toHaveLength(1);
      });

      test('listeners hear of new positions, and one that throws harms nobody', async () => {
        const world = createWorld(store);
        const heard: number[] = [];
        world.engine.subscribe(() => {
          throw new Error('a broken screen');
        });
        const stop = world.engine.subscribe((position) => heard.push(position));
        await world.engine.append({ events: [event('job/a'), event('job/a')] });
        await settle(world);
        expect(heard).toEqual([2]);
        stop();
        await world.engine.append({ events: [event('job/a')] });
        await settle(world);
        expect(heard).toEqual([2]);
      });

      test.each<[string, (tx: Tx) => Promise<unknown>, RegExp]>([
        [
          'changed',
          (tx) => tx.updateTable('event').set({ data: '{"i":9}' }).where('position', '=', 3).execute(),
          /hash/,
        ],
        [
          'given to somebody else',
          (tx) => tx.updateTable('event').set({ actor: '{}' }).where('position', '=', 3).execute(),
          /hash/,
        ],
        ['removed', (tx) => tx.deleteFrom('event').where('position', '=', 3).execute(), /missing/],
        ['cut off at the end', (tx) => tx.deleteFrom('event').where('position', '>=', 6).execute(), /seal/],
        ['moved in the global order', swapPositions, /seal/],
        ['robbed of a fact', (tx) => tx.deleteFrom('fact').execute(), /fact/],
        ['given another fact', (tx) => tx.updateTable('fact').set({ content: '"y"' }).execute(), /fact/],
      ])('the chain shows when an event was %s', async (_, tamper, reason) => {
        const world = createWorld(store);
        for (let i = 0; i < 6; i++) {
          const data = i === 1 ? { big: 'x'.repeat(5000) } : { i };
          await world.engine.append({ events: [event(i % 2 === 0 ? 'job/a' : 'job/b', data)] });
        }
        await settle(world);
        expect((await world.engine.verifyChain('all')).ok).toBe(true);
        await store.transaction(tamper);
        const report = await world.engine.verifyChain('all');
        expect(report.ok).toBe(false);
        expect(report.broken?.reason).toMatch(reason);
      });
    });

    test('a small story abandoned at any point ends the same as undisturbed, each deed done once', async () => {
      const undisturbed = await playStory(store, 'quiet', undefined);
      expect(undisturbed.moments).toBeGreaterThan(25);
      expect(undisturbed.end).toEqual({ lines: ['step 0', 'step 1', 'step 2'], deeds: deeds('quiet'), revision: 3 });
      for (let crashAt = 0; crashAt < undisturbed.moments; crashAt++) {
        const title = `crash ${100 + crashAt}`;
        const { end } = await playStory(store, title, crashAt);
        expect(end, `abandoned at moment ${crashAt}`).toEqual({ ...undisturbed.end, deeds: deeds(title) });
      }
      const { engine } = createWorld(store);
      expect((await engine.verifyChain('all')).ok).toBe(true);
    });
  });
}

function abandon(): never {
  throw new Abandon();
}

const event = (stream: string, data: NewEvent['data'] = {}): NewEvent => ({
  stream,
  type: 'test.happened',
  actor,
  data,
});

const effect = (id: string, kind = 'execute', orderKey = 'task'): NewEffect => ({
  id: id as NewEffect['id'],
  kind,
  receiver: 'agent/host-1',
  orderKey,
  payload: {},
});

const command = (id: string, kind: string, key: string, name = 'pause') => ({
  id,
  kind,
  key,
  name,
  arguments: {},
  actor: { kind: 'person', name: 'ada' } as const,
  reason: undefined,
  atMs: 1,
});

/** Keys in the order of their turns. */
function recordRuns({ engine }: World, kind: string): string[] {
  const runs: string[] = [];
  engine.registerWork({ kind, run: async ({ key }) => void runs.push(key) });
  return runs;
}

/** Ids in the order in which they began. */
function recordEffects({ engine }: World, kind: string, safeToRepeat = true): string[] {
  const begun: string[] = [];
  engine.registerEffect({
    kind,
    safeToRepeat,
    run: async ({ id }) => {
      begun.push(id);
      return {};
    },
  });
  return begun;
}

function registerCommit(
  { engine }: World,
  kind: string,
  decide: (turn: Turn, tx: Tx) => Promise<Omit<Proposal, 'result'>>,
): void {
  engine.registerWork({
    kind,
    run: async (turn) => {
      await turn.commit(async (view) => ({ ...(await decide(turn, view.tx)), result: undefined }));
    },
  });
}

async function revisionOf(tx: Tx, id: string): Promise<number | undefined> {
  const row = await tx.selectFrom('guard').select('revision').where('id', '=', id).executeTakeFirst();
  return row?.revision;
}

async function swapPositions(tx: Tx): Promise<void> {
  const move = (from: number, to: number) =>
    tx.updateTable('event').set({ position: to }).where('position', '=', from).execute();
  await move(3, 99);
  await move(4, 3);
  await move(99, 4);
}
