/** Where the server answers agents (`api/agent-protocol.ts` says what). */
export const paths = {
  join: '/agent/v1/join',
  hello: '/agent/v1/hello',
  orders: '/agent/v1/orders',
  orderAck: '/agent/v1/orders/ack',
  reports: '/agent/v1/reports',
  samples: '/agent/v1/samples',
  log: (run: string) => `/agent/v1/logs/${encodeURIComponent(run)}`,
  tail: (request: string) => `/agent/v1/tails/${encodeURIComponent(request)}`,
  package: (digest: string) => `/agent/v1/packages/${digest}`,
  chunk: (digest: string) => `/agent/v1/chunks/${digest}`,
  missingChunks: '/agent/v1/chunks/missing',
} as const;
