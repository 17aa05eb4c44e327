import { describe, expect, it } from 'vitest';
import { Contact } from './contact.ts';

const never = new AbortController().signal;

function contactAt(start = 0) {
  let nowMs = start;
  let nudges = 0;
  const contact = new Contact(
    () => nowMs,
    () => {
      nudges += 1;
    },
  );
  return {
    contact,
    nudges: () => nudges,
    at: (ms: number) => {
      nowMs = ms;
    },
  };
}

describe('contact with the server', () => {
  it('is waited for, and counts from when it was opened', async () => {
    const { contact, at } = contactAt();
    const since = contact.whenOpen(never);
    at(700);
    contact.open();
    expect(await since).toBe(700);
  });

  it('is unbroken only when the server accepts a report that was begun after the question', async () => {
    const { contact, nudges } = contactAt(5);
    contact.open();
    const under = contact.beginReport();
    const question = contact.isUnbroken(5, never);
    expect(nudges()).toBe(1);
    contact.endReport(under);
    const unanswered = Symbol('unanswered');
    expect(await Promise.race([question, Promise.resolve(unanswered)])).toBe(unanswered);
    contact.endReport(contact.beginReport());
    expect(await question).toBe(true);
  });

  it('that broke in between is broken, also when it is there again', async () => {
    const { contact, at } = contactAt(5);
    contact.open();
    const question = contact.isUnbroken(5, never);
    contact.close();
    expect(await question).toBe(false);
    at(9);
    contact.open();
    expect(await contact.isUnbroken(5, never)).toBe(false);
    expect(await contact.whenOpen(never)).toBe(9);
  });

  it('is not waited for when the agent ends', async () => {
    const { contact } = contactAt();
    const ending = new AbortController();
    const waiting = contact.whenOpen(ending.signal);
    ending.abort(new Error('the agent ends'));
    await expect(waiting).rejects.toThrow('the agent ends');
  });
});
