// Two services of a shop whose truth is known: `cart`, and `checkout` which calls it for each of its requests.

/** The metrics that Prometheus' client libraries give by default. A request to a cart takes about 8 ms of waiting. */
const metricsOf = `
const bounds = [0.004, 0.006, 0.008, 0.01, 0.013, 0.016, 0.02, 0.025, 0.032, 0.05, 0.1, 0.25, 1];
const buckets = new Array(bounds.length + 1).fill(0);
const codes = { 200: 0, 500: 0 };
let sum = 0, count = 0;
function counted(seconds, code) {
  const at = bounds.findIndex((bound) => seconds <= bound);
  buckets[at === -1 ? bounds.length : at] += 1;
  sum += seconds;
  count += 1;
  codes[code] += 1;
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
  return lines.join('\\n') + '\\n';
}
`;

export interface Cart {
  readonly subject: string;
  /** Share of answers that are quick and called good, and that nobody can use. */
  readonly useless?: number;
  /** Share of requests that fail while the payments provider is down. */
  readonly failsWithProvider?: number;
}

/** `providerFile` is there while the payments provider is down. */
export function cartServer({ subject, useless = 0, failsWithProvider = 0 }: Cart, providerFile: string): string {
  return `
// ${subject}
const { createServer } = require('node:http');
const { existsSync } = require('node:fs');
${metricsOf}
let isDown = false;
setInterval(() => { isDown = existsSync(${JSON.stringify(providerFile)}); }, 100);
createServer((request, response) => {
  if (request.url === '/healthz') return response.end('ok');
  if (request.url === '/metrics') {
    return response.end(metrics() + '# TYPE payments_provider_down gauge\\npayments_provider_down ' + Number(isDown) + '\\n');
  }
  const ms = 5 + 3 * Math.random() - 2 * Math.log(1 - Math.random());
  setTimeout(() => {
    const code = isDown && Math.random() < ${failsWithProvider} ? 500 : 200;
    counted(ms / 1000, code);
    response.statusCode = code;
    response.end(Math.random() < ${useless} ? '{}' : '{"items":[]}');
  }, ms);
}).listen(process.env.PORT, process.env.HOST);
`;
}

/** Asks a cart for each request, found by discovery; an answer that it cannot use is a failure of its own. */
export function checkoutServer(serverUrl: string, cartJob: string): string {
  return `
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
${metricsOf}
const headers = { authorization: 'Bearer ' + readFileSync(process.env.DISCOVERY_TOKEN, 'utf8').trim() };
let carts = [], turn = 0;
async function discover() {
  try {
    const answer = await fetch(${JSON.stringify(`${serverUrl}/api/v1/jobs/${encodeURIComponent(cartJob)}/endpoints`)}, { headers });
    carts = (await answer.json()).endpoints ?? carts;
  } catch {}
  setTimeout(discover, 200);
}
discover();
createServer(async (request, response) => {
  if (request.url === '/healthz') return response.end('ok');
  if (request.url === '/metrics') return response.end(metrics());
  const began = performance.now();
  let code = 500;
  try {
    const cart = carts[turn++ % carts.length];
    const answer = await fetch('http://' + cart.address + ':' + Object.values(cart.ports)[0] + '/');
    if (Array.isArray((await answer.json()).items)) code = 200;
  } catch {}
  counted((performance.now() - began) / 1000, code);
  response.statusCode = code;
  response.end();
}).listen(process.env.PORT, process.env.HOST);
`;
}
