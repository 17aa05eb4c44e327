/** What agents measure of each task by themselves, under names of our own. */
export const fleetMetrics = {
  /** Gauge: cores in use, children included. */
  cpu: 'rollway_task_cpu_cores',
  /** Gauge: bytes of memory of all its processes. */
  memory: 'rollway_task_resident_bytes',
  /** Counter: new lives of one incarnation. */
  restarts: 'rollway_task_restarts_total',
  /** Counter, by `outcome` (`ready`, `unready`): what its readiness answered while it served. */
  probes: 'rollway_task_probes_total',
  /** Gauge: connections open to its ports. */
  connections: 'rollway_task_open_connections',
} as const;
