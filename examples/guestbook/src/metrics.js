/** Counts requests and their durations, and writes them in the Prometheus text format. */
const bounds = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024];

export class Metrics {
  #requests = new Map();
  #buckets = new Array(bounds.length + 1).fill(0);
  #sum = 0;
  #count = 0;

  record(route, code, seconds) {
    const key = `route="${route}",code="${code}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    const at = bounds.findIndex((bound) => seconds <= bound);
    this.#buckets[at === -1 ? bounds.length : at] += 1;
    this.#sum += seconds;
    this.#count += 1;
  }

  text() {
    const lines = ['# TYPE http_requests_total counter'];
    for (const [labels, n] of this.#requests) lines.push(`http_requests_total{${labels}} ${n}`);
    lines.push('# TYPE http_request_duration_seconds histogram');
    let below = 0;
    bounds.forEach((bound, i) => {
      below += this.#buckets[i];
      lines.push(`http_request_duration_seconds_bucket{le="${bound}"} ${below}`);
    });
    lines.push(`http_request_duration_seconds_bucket{le="+Inf"} ${this.#count}`);
    lines.push(`http_request_duration_seconds_sum ${this.#sum}`, `http_request_duration_seconds_count ${this.#count}`);
    return `${lines.join('\n')}\n`;
  }
}
