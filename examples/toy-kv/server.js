// A toy replicated key-value store: one leader, elected by a majority; writes go through it to a majority. For trying
// out leader-last updates, not for data. Members find each other in the folder PEERS (all on one machine).
const {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');

const { HOST, PORT, PEERS } = process.env;
const me = Number(process.env.ROLLWAY_INDEX);
const majority = Math.floor(Number(process.env.MEMBERS) / 2) + 1;
const heartbeatMs = 200;
/** Who has not heard of a leader for so long stands for election; who has heard of one lately votes for nobody. */
const patienceMs = 4000 + Math.random() * 3000;
const loyaltyMs = 3000;

mkdirSync(PEERS, { recursive: true });
const file = (name) => join(PEERS, name);
const write = (name, value) => {
  writeFileSync(file(`${name}.${process.pid}`), JSON.stringify(value));
  renameSync(file(`${name}.${process.pid}`), file(name));
};
/** What a member must not forget: the newest term it knows, and whom it gave its vote in it. */
let vow = existsSync(file(`vow-${me}`)) ? JSON.parse(readFileSync(file(`vow-${me}`))) : { term: 0, votedFor: null };
const swear = (term, votedFor) => {
  vow = { term, votedFor };
  write(`vow-${me}`, vow);
};
/** What it has said yes to, it has after a restart too; `version`: number of the newest write it has. */
let { data, version } = existsSync(file(`data-${me}`))
  ? JSON.parse(readFileSync(file(`data-${me}`)))
  : { data: {}, version: 0 };
const keep = (newData, newVersion) => {
  [data, version] = [newData, newVersion];
  write(`data-${me}`, { data, version });
};
let leader = null;
let heardAtMs = Date.now();

function peers() {
  const names = readdirSync(PEERS).filter((name) => /^member-\d+$/.test(name));
  return names.map((name) => JSON.parse(readFileSync(file(name)))).filter(({ index }) => index !== me);
}

async function ask(url, path, body) {
  try {
    const signal = AbortSignal.timeout(1000);
    const response = await fetch(`${url}${path}`, body && { method: 'POST', body: JSON.stringify(body), signal });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}
const askAll = async (path, body) =>
  (await Promise.all(peers().map(({ url }) => ask(url, path, body)))).filter(Boolean);

async function stand() {
  const wish = { term: vow.term + 1, candidate: me, version };
  const would = (await askAll('/would-vote', wish)).filter(({ yes }) => yes);
  if (would.length + 1 < majority || Date.now() - heardAtMs < patienceMs || vow.term >= wish.term) return;
  swear(wish.term, me);
  const votes = (await askAll('/vote', wish)).filter(({ yes }) => yes);
  if (votes.length + 1 < majority || vow.term !== wish.term) return;
  leader = me;
  appendFileSync(file('elections.log'), `${wish.term} ${me}\n`);
  await lead();
}

async function lead() {
  if (leader === me) await askAll('/heartbeat', { term: vow.term, leader: me, version });
}

function mayVote({ term, version: theirs }) {
  return term > vow.term && theirs >= version && Date.now() - heardAtMs > loyaltyMs && leader !== me;
}

/** A leader of an old term is none. */
function follow({ term, leader: other }) {
  if (term < vow.term) return false;
  if (term > vow.term) swear(term, null);
  leader = other;
  heardAtMs = Date.now();
  return true;
}

async function catchUp(other) {
  const peer = peers().find(({ index }) => index === other);
  const dump = peer && (await ask(peer.url, '/dump'));
  if (dump && dump.version > version) keep(dump.data, dump.version);
}

async function put(key, value) {
  const wrote = { term: vow.term, leader: me, version: version + 1, key, value };
  keep({ ...data, [key]: value }, version + 1);
  const copies = (await askAll('/replicate', wrote)).filter(({ yes }) => yes);
  return copies.length + 1 >= majority && leader === me;
}

const posts = {
  '/would-vote': (wish) => ({ yes: mayVote(wish) }),
  '/vote': (wish) => {
    const yes = mayVote(wish);
    if (yes) swear(wish.term, wish.candidate);
    return { yes };
  },
  '/heartbeat': (beat) => {
    const yes = follow(beat);
    if (yes && beat.version > version) void catchUp(beat.leader);
    return { yes };
  },
  '/replicate': async (wrote) => {
    if (!follow(wrote)) return { yes: false };
    if (wrote.version > version + 1) await catchUp(wrote.leader);
    if (wrote.version === version + 1) keep({ ...data, [wrote.key]: wrote.value }, wrote.version);
    return { yes: version >= wrote.version };
  },
};

async function answer(request, path) {
  if (path === '/healthz') return [200, {}];
  // What Rollway's leader-last asks: the leader by its index, null while there is none.
  if (path === '/leader') return [200, { leader: leader === me || Date.now() - heardAtMs < loyaltyMs ? leader : null }];
  if (path === '/dump') return [200, { data, version }];
  const text = await new Response(request).text();
  if (posts[path]) return [200, await posts[path](JSON.parse(text))];
  const key = path.slice('/kv/'.length);
  if (request.method === 'GET') return [key in data ? 200 : 404, { value: data[key] ?? null }];
  if (leader !== me) return [421, { leader }];
  return [(await put(key, text)) ? 200 : 503, {}];
}

createServer(async (request, response) => {
  const [status, body] = await answer(request, request.url).catch(() => [400, {}]);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}).listen(Number(PORT), HOST, () => write(`member-${me}`, { index: me, url: `http://${HOST}:${PORT}` }));

setInterval(lead, heartbeatMs);
setInterval(() => {
  if (leader !== me && Date.now() - heardAtMs > patienceMs) void stand();
}, 500);
process.on('SIGTERM', () => process.exit(0));
