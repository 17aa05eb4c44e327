import type { Generated } from 'kysely';

/** Tables of `fleet/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface FleetTables {
  host: HostTable;
  host_batch: HostBatchTable;
  join_token: JoinTokenTable;
  listener: ListenerTable;
  fleet_watch: FleetWatchTable;
  placement: PlacementTable;
  host_usage: HostUsageTable;
  endpoint: EndpointTable;
  maintenance: MaintenanceTable;
  driver: DriverTable;
}

/** Drivers that are plug-ins, by `<plug-in>:<job>`. */
export interface DriverTable {
  id: string;
  /** JSON, as its job's configuration says. */
  settings: string;
  /** 1: its job has another driver now, and it is kept until its hosts are empty. */
  is_retired: number;
}

export interface MaintenanceTable {
  id: string;
  is_ended: number;
  ended_at_ms: number | null;
  /** JSON `Maintenance`. */
  body: string;
}

export interface HostTable {
  id: string;
  address: string;
  labels: string;
  cpu_millis: number;
  memory_mb: number;
  max_tasks: number;
  /** What limits and isolation it can really give. */
  abilities: string;
  agent_version: string;
  state: string;
  state_since_ms: number;
  last_seen_at_ms: number;
  free_disk_ratio: number;
  /** Ed25519, SPKI PEM: the host's identity. */
  public_key: string;
  joined_at_ms: number;
  /** `fleet`, or the driver whose host it is. */
  driver: Generated<string>;
}

/** The newest batch of reports taken from each host. */
export interface HostBatchTable {
  host: string;
  batch: number;
}

export interface JoinTokenTable {
  id: string;
  secret_hash: string;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_at_ms: number | null;
  used_by: string | null;
}

/** Servers that listen to agents. */
export interface ListenerTable {
  id: string;
  since_ms: number;
  beat_at_ms: number;
}

/** One row: what the watch remembers between looks. */
export interface FleetWatchTable {
  id: number;
  memory: string;
}

/** What the claims to a host take together; of several incarnations of one index the largest counts. */
export interface HostUsageTable {
  host: string;
  claims: number;
  tasks: number;
  cpu_millis: number;
  memory_mb: number;
}

export interface PlacementTable {
  job: string;
  task_index: number;
  incarnation: number;
  host: string;
  cpu_millis: number;
  memory_mb: number;
}

/** The newest report of each incarnation, for discovery. */
export interface EndpointTable {
  job: string;
  task_index: number;
  incarnation: number;
  host: string;
  version: string;
  state: string;
  address: string;
  ports: string;
  sequence: number;
}
