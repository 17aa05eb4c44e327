/** Two builds side by side on one machine, before anything is deployed (T1). */
export * from './judge-perf.ts';
export * from './plan.ts';
