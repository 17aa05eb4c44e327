import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApp } from '../src/app.js';

test('the front page greets', async () => {
  const answer = await createApp().handle('GET', '/');
  assert.equal(answer.code, 200);
  assert.match(answer.text, /guestbook/i);
});

test('a signed line is shown to the next reader', async () => {
  const app = createApp();
  const signed = await app.handle('POST', '/entries', JSON.stringify({ name: 'Ada', message: 'Hello' }));
  assert.equal(signed.code, 201);
  const entries = await app.handle('GET', '/entries');
  assert.deepEqual(entries.json, [{ name: 'Ada', message: 'Hello' }]);
});

test('an empty or over-long message is refused with a reason', async () => {
  const app = createApp();
  for (const message of ['', 'x'.repeat(281)]) {
    const answer = await app.handle('POST', '/entries', JSON.stringify({ name: 'Ada', message }));
    assert.equal(answer.code, 400);
    assert.match(answer.json.error, /message/);
  }
});

test('a body that is not JSON is refused', async () => {
  assert.equal((await createApp().handle('POST', '/entries', '{')).code, 400);
});

test('requests are counted, with their durations', async () => {
  const app = createApp();
  await app.handle('GET', '/');
  const { text } = await app.handle('GET', '/metrics');
  assert.match(text, /http_requests_total\{route="\/",code="200"\} 1/);
  assert.match(text, /http_request_duration_seconds_count 1/);
});
