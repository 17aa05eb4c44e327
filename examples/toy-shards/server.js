// A toy sharded store: each shard has three replicas on three neighbouring tasks; a write needs two of them. For trying
// out shard-aware updates, not for data. Members find each other in the folder PEERS (all on one machine).
const { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');

const { HOST, PORT, PEERS } = process.env;
const me = Number(process.env.ROLLWAY_INDEX);
const tasks = Number(process.env.TASKS);
const replicas = (shard) => [0, 1, 2].map((step) => (shard + step) % tasks);
const all = Array.from({ length: 2 * tasks }, (_, shard) => shard);
const mine = all.filter((shard) => replicas(shard).includes(me));
const store = new Map(mine.map((shard) => [shard, {}]));
let isReady = false;

mkdirSync(PEERS, { recursive: true });
const note = (word) => appendFileSync(join(PEERS, 'life.log'), `${me} ${word}\n`);

function peers() {
  const names = readdirSync(PEERS).filter((name) => /^member-\d+$/.test(name));
  return names.map((name) => JSON.parse(readFileSync(join(PEERS, name)))).filter(({ index }) => index !== me);
}

async function ask(url, path, body) {
  try {
    const signal = AbortSignal.timeout(1000);
    const response = await fetch(`${url}${path}`, { ...(body && { method: 'POST', body }), signal });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/** A replica is healthy when it has what the others have: until then the task is not ready. */
async function catchUp() {
  for (const { index, url } of peers()) {
    for (const shard of mine.filter((one) => replicas(one).includes(index))) {
      const data = await ask(url, `/copy/${shard}`);
      if (data === undefined) break;
      store.set(shard, { ...data, ...store.get(shard) });
    }
  }
}

/** Any task takes a request and passes it on; two of three replicas make a write. */
async function put(shard, key, value) {
  const known = peers();
  const copies = replicas(shard).map(async (index) => {
    if (index === me) return Boolean(Object.assign(store.get(shard), { [key]: value }));
    const peer = known.find((one) => one.index === index);
    return peer !== undefined && (await ask(peer.url, `/write/${shard}/${key}`, value)) !== undefined;
  });
  return (await Promise.all(copies)).filter(Boolean).length >= 2;
}

async function answer(request) {
  const [, what, name, key] = request.url.split('/');
  const shard = Number(name);
  if (what === 'healthz') return [isReady ? 200 : 503, {}];
  // What Rollway's shard-aware asks: which tasks hold a replica of each shard.
  if (what === 'shards') return [200, { shards: Object.fromEntries(all.map((one) => [`s${one}`, replicas(one)])) }];
  if (what === 'copy') return [200, store.get(shard) ?? {}];
  const text = await new Response(request).text();
  if (what === 'write') return store.has(shard) ? [200, Object.assign(store.get(shard), { [key]: text })] : [421, {}];
  if (request.method === 'PUT') return [(await put(shard, key, text)) ? 200 : 503, {}];
  const here = store.get(shard);
  return [here && key in here ? 200 : 404, { value: here?.[key] ?? null }];
}

createServer(async (request, response) => {
  const [status, body] = await answer(request).catch(() => [400, {}]);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}).listen(Number(PORT), HOST, async () => {
  writeFileSync(join(PEERS, `member-${me}.new`), JSON.stringify({ index: me, url: `http://${HOST}:${PORT}` }));
  renameSync(join(PEERS, `member-${me}.new`), join(PEERS, `member-${me}`));
  await catchUp();
  isReady = true;
  note('up');
});
process.on('SIGTERM', () => {
  note('down');
  process.exit(0);
});
