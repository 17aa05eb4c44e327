/**
 * What a strategy of one's own is written against, published as `rollway/plugins`: the port, and the suite of rules that
 * every strategy keeps. Templates stand in `examples/plugins/`.
 */
export type { TaskPlace } from '../select.ts';
export * from './port.ts';
export * from './try-strategy.ts';
