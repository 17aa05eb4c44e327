import { describe, expect, it } from 'vitest';
import { Contact } from './contact.ts';

const never = new AbortController().signal;

function contactNow() {
  let nudges = 0;
  const contact = new Contact(() => {
    nudges += 1;
  });
  return { contact, nudges: () => nudges };
}

describe('contact with the server', () => {
  it('is waited for, and has the same number for as long as it lasts', async () => {
    const { contact } = contactNow();
    const session = contact.whenOpen(never);
    contact.open();
    expect(await session).toBe(1);
    expect(await contact.whenOpen(never)).toBe(1);
  });

  it('is unbroken only when the server accepts a report that was begun after the question', async () => {
    const { contact, nudges } = contactNow();
    contact.open();
    const under = contact.beginReport();
    const question = contact.isUnbroken(1, never);
    expect(nudges()).toBe(1);
    contact.endReport(under);
    const unanswered = Symbol('unanswered');
    expect(await Promise.race([question, Promise.resolve(unanswered)])).toBe(unanswered);
    contact.endReport(contact.beginReport());
    expect(await question).toBe(true);
  });

  it('that broke in between is broken, also when it is there again', async () => {
    const { contact } = contactNow();
    contact.open();
    const question = contact.isUnbroken(1, never);
    contact.close();
    expect(await question).toBe(false);
    contact.open();
    expect(await contact.isUnbroken(1, never)).toBe(false);
    expect(await contact.whenOpen(never)).toBe(2);
  });

  it('is not waited for when the agent ends', async () => {
    const { contact } = contactNow();
    const ending = new AbortController();
    const waiting = contact.whenOpen(ending.signal);
    ending.abort(new Error('the agent ends'));
    await expect(waiting).rejects.toThrow('the agent ends');
  });
});
