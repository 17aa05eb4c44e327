// A service whose harm is known: what its metrics show is what was planted, in a real process.

/** What is wrong with a version; nothing: it is good. Shares from 0 to 1. */
export interface Harm {
  /** Requests that fail. */
  readonly errors?: number;
  /** Times the usual duration of a request. */
  readonly slower?: number;
  /** Memory that is never given back. */
  readonly leakMiBPerS?: number;
  /** Only on hosts whose address ends so; all of them when left out. */
  readonly hosts?: readonly number[];
  /** Only while a task gets more requests than this a second. */
  readonly abovePerS?: number;
  /** Only in the first time of a process. */
  readonly firstMs?: number;
}

/**
 * The source of a server with the metrics that Prometheus' client libraries give by default. A request takes about
 * 8 ms of waiting, hardly any of work, so that the machine's own load changes little. `illHostFile` holds the address
 * of a host on which every version is slow and fails, or nothing.
 */
export function plantedServer(subject: string, harm: Harm, illHostFile: string): string {
  return `
// ${subject}
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const harm = ${JSON.stringify(harm)};
const host = process.env.HOST;
const startedMs = Date.now();
const bounds = [0.004, 0.006, 0.008, 0.01, 0.013, 0.016, 0.02, 0.025, 0.032, 0.05, 0.1, 0.25, 1];
const buckets = new Array(bounds.length + 1).fill(0);
const codes = { 200: 0, 500: 0 };
const kept = [];
let sum = 0, count = 0, perS = 0, thisS = 0, isIll = false;

setInterval(() => {
  perS = thisS;
  thisS = 0;
  try { isIll = readFileSync(${JSON.stringify(illHostFile)}, 'utf8') === host; } catch { isIll = false; }
  if (harm.leakMiBPerS && applies()) kept.push(Buffer.alloc(harm.leakMiBPerS * 2 ** 20, 1));
}, 1000);

function applies() {
  if (harm.hosts && !harm.hosts.includes(Number(host.split('.').at(-1)))) return false;
  if (harm.abovePerS && perS <= harm.abovePerS) return false;
  return !harm.firstMs || Date.now() - startedMs < harm.firstMs;
}

function metrics() {
  const lines = ['# TYPE http_requests_total counter'];
  for (const code of Object.keys(codes)) lines.push('http_requests_total{code="' + code + '"} ' + codes[code]);
  lines.push('# TYPE http_request_duration_seconds histogram');
  let below = 0;
  bounds.forEach((bound, at) => {
    below += buckets[at];
    lines.push('http_request_duration_seconds_bucket{le="' + bound + '"} ' + below);
  });
  lines.push('http_request_duration_seconds_bucket{le="+Inf"} ' + count);
  lines.push('http_request_duration_seconds_sum ' + sum, 'http_request_duration_seconds_count ' + count);
  lines.push('# TYPE process_resident_memory_bytes gauge', 'process_resident_memory_bytes ' + process.memoryUsage.rss());
  return lines.join('\\n') + '\\n';
}

createServer((request, response) => {
  if (request.url === '/healthz') return response.end('ok');
  if (request.url === '/metrics') return response.end(metrics());
  thisS += 1;
  const isHarmed = applies();
  const slower = (isHarmed && harm.slower ? harm.slower : 1) * (isIll ? 4 : 1);
  const errors = (isHarmed && harm.errors ? harm.errors : 0) + (isIll ? 0.2 : 0);
  const ms = (5 + 3 * Math.random() - 2 * Math.log(1 - Math.random())) * slower;
  setTimeout(() => {
    // What was waited for, not what the timer made of it: the machine's own load is not the version's.
    const at = bounds.findIndex((bound) => ms / 1000 <= bound);
    buckets[at === -1 ? bounds.length : at] += 1;
    sum += ms / 1000;
    count += 1;
    response.statusCode = Math.random() < errors ? 500 : 200;
    codes[response.statusCode] += 1;
    response.end(${JSON.stringify(subject)});
  }, ms);
}).listen(process.env.PORT, host);
`;
}
