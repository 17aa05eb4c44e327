/**
 * What failing and slow requests are held against where nobody says otherwise: the same whether the specification names
 * the checks or discovery finds their metrics. Each of them alone can fail a phase.
 */
export const standardChecks = {
  errors: { delta: 0.03, margin: 0.5, critical: true, required: true },
  latency: { delta: 0.05, margin: 0.25, critical: true, required: true },
} as const;
