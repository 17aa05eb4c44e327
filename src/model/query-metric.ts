/** The name under which the answers of a check's own PromQL are kept: `slow-queue` → `rollway_query_slow_queue`. */
export function queryMetric(check: string): string {
  return `rollway_query_${check.replaceAll('-', '_')}`;
}
