/** What is wrong with metrics, and what a person does about it. */
export const sourceTroubles = {
  unreachable: 'Look whether it runs and listens there.',
  slow: 'Make it answer faster, or expose less.',
  'too-large': 'Expose less: fewer labels, fewer buckets.',
  unreadable: 'Expose the Prometheus text format, OpenMetrics or OTLP.',
  'not-finite': 'Do not expose NaN or infinities; leave out what is not known.',
  'changed-type': 'Give a metric of another kind another name.',
  fell: 'A counter only grows; expose what goes up and down as a gauge.',
  vanished: 'A metric that is not known yet is better exposed as 0 than left out.',
  'too-many-series': 'Take labels with unbounded values (ids, addresses, paths) off the metric.',
  clock: 'Set the clocks of the machines by NTP.',
  'unknown-task': 'Name job, index and incarnation as docs/sources.md says.',
  confounds: 'Look whether it is in trouble indeed; if this is how it always is, take it out of `judge.confounders`.',
  refused: 'See docs/sources.md for the limits.',
} as const;
export type SourceTrouble = keyof typeof sourceTroubles;
