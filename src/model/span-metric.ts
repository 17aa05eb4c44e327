/** How long requests of a task were in each component, from spans; the label `component` says in which. */
export const spanMetric = 'rollway_span_seconds';

/** Of spans: the whole request, the part in which nothing else was open, and components without a name of their own. */
export const spanParts = { request: 'request', self: 'self', other: 'other' } as const;
