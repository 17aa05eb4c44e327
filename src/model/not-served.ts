/**
 * Outcomes of a call that are no failure of the server, and no answer either: cancelled, not found, asked too often. Of
 * HTTP and of gRPC, by name and by number where the label is one of gRPC.
 */
export const notServed = {
  http: '404|408|410|429|499',
  grpc: 'NotFound|Cancelled|ResourceExhausted|Aborted|NOT_FOUND|CANCELLED|RESOURCE_EXHAUSTED|ABORTED|1|5|8|10',
} as const;
