/** Spans of tasks, turned at the edge into how long their requests were in each component. */
export { maxComponents } from './component-choice.ts';
export { type SpanSource, spanSource } from './span-source.ts';
