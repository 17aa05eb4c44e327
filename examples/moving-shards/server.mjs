// One task of a store whose shards move: it holds whatever it was told to add, and nothing else. For trying out moves
// before restarts, not for data. Members are found in the folder PEERS (all on one machine).
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { HOST, PORT, PEERS } = process.env;
const me = Number(process.env.ROLLWAY_INDEX ?? 0);
const own = `http://${HOST}:${PORT}`;
/** Shard → its data; `incoming`: the copy is on its way; `givenTo`: who has it now, until it is dropped here. */
const shards = new Map();

const post = (url) => fetch(url, { method: 'POST', signal: AbortSignal.timeout(2000) });

/** add_shard: from the one that has it, or empty. What is written meanwhile comes here too, and is newer. */
async function addShard(shard, from) {
  const held = shards.get(shard) ?? { data: {} };
  shards.set(shard, held);
  if (from === null) return [200, {}];
  held.incoming = true;
  try {
    const copy = await post(`${from}/shards/${shard}/give?to=${encodeURIComponent(own)}`);
    if (!copy.ok) throw new Error(`${from} does not have shard ${shard}`);
    held.data = { ...(await copy.json()), ...held.data };
    held.incoming = false;
    return [200, {}];
  } catch (error) {
    shards.delete(shard);
    return [502, { error: String(error) }];
  }
}

/** A copy for its next owner. Until it is dropped here, requests that still come are answered with the next one's help. */
function giveShard(shard, to) {
  const held = shards.get(shard);
  if (held === undefined || held.incoming) return [421, {}];
  held.givenTo = to;
  return [200, held.data];
}

/** Answers for a shard that is somebody else's by now; undefined: that one cannot, so it is still ours. */
async function passOn(held, method, path, body) {
  try {
    const signal = AbortSignal.timeout(1000);
    const answer = await fetch(`${held.givenTo}${path}`, { method, signal, ...(method === 'PUT' && { body }) });
    return answer.status === 200 || answer.status === 404 ? [answer.status, await answer.json()] : undefined;
  } catch {
    held.givenTo = undefined;
    return undefined;
  }
}

async function keyed(request, shard, key) {
  const held = shards.get(shard);
  const isPassedOn = request.headers['x-passed-on'] !== undefined;
  // Not mine: whoever asked has an old map. Whether a map is new is never what correctness hangs on.
  if (held === undefined) return [421, { error: 'not mine' }];
  if (request.method === 'PUT') {
    const text = await new Response(request).text();
    held.data[key] = text;
    if (held.givenTo !== undefined && !isPassedOn) await passOn(held, 'PUT', `/kv/${shard}/${key}`, text);
    return [200, {}];
  }
  if (held.incoming) return [409, { error: 'on its way' }];
  const theirs = held.givenTo === undefined ? undefined : await passOn(held, 'GET', `/kv/${shard}/${key}`);
  if (theirs !== undefined) return theirs;
  return key in held.data ? [200, { value: held.data[key] }] : [404, { value: null }];
}

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, own);
  const [, what, name, verb] = pathname.split('/');
  const shard = Number(name);
  if (what === 'healthz') return [200, {}];
  if (what === 'held') return [200, { shards: [...shards.keys()].sort((a, b) => a - b) }];
  if (what === 'kv') return keyed(request, shard, verb);
  if (what !== 'shards' || request.method !== 'POST') return [404, {}];
  if (verb === 'add') return addShard(shard, searchParams.get('from'));
  if (verb === 'give') return giveShard(shard, searchParams.get('to'));
  if (verb === 'drop') return [shards.delete(shard) ? 200 : 404, {}];
  return [404, {}];
}

createServer(async (request, response) => {
  const [status, body] = await answer(request).catch((error) => [500, { error: String(error) }]);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}).listen(Number(PORT), HOST, () => {
  mkdirSync(PEERS, { recursive: true });
  writeFileSync(join(PEERS, `member-${me}.new`), JSON.stringify({ index: me, url: own }));
  renameSync(join(PEERS, `member-${me}.new`), join(PEERS, `member-${me}`));
});
process.on('SIGTERM', () => process.exit(0));
