import { z } from 'zod';
import { attributeList, attributesOf, parseOtlp } from './decode-json.ts';
import { type OtlpResourceSpans, SpanBudget, spanAttributes, spanLimits } from './span.ts';

/** The same request as JSON: ids in hexadecimal, times as text or numbers, kinds as numbers. */
export function decodeSpansJson(text: string): OtlpResourceSpans[] {
  const budget = new SpanBudget();
  return parseOtlp(text, requestSchema).resourceSpans.map(({ resource, scopeSpans }) => {
    budget.resource();
    const spans = scopeSpans.flatMap((scope) =>
      scope.spans.map(({ traceId, spanId, parentSpanId, kind, name, attributes, ...times }) => {
        budget.span();
        return {
          ...{ traceId: traceId.toLowerCase(), spanId: spanId.toLowerCase(), parentId: parentSpanId.toLowerCase() },
          ...{ kind, name: name.slice(0, spanLimits.name), attributes: wantedOf(attributes) },
          ...{ startUs: times.startTimeUnixNano, endUs: times.endTimeUnixNano },
        };
      }),
    );
    return { attributes: attributesOf(resource.attributes), spans };
  });
}

const id = z.string().max(34).default('');
const microseconds = z
  .union([
    z
      .string()
      .regex(/^\d{1,20}$/)
      .transform((text) => Number(BigInt(text) / 1000n)),
    z
      .number()
      .nonnegative()
      .transform((number) => Math.floor(number / 1000)),
  ])
  .default(0);
/** What is not wanted may be anything at all. */
const attributes = z.array(z.object({ key: z.string(), value: z.unknown() })).default([]);
const requestSchema = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes: attributeList }).default({ attributes: [] }),
        scopeSpans: z
          .array(
            z.object({
              spans: z
                .array(
                  z.object({
                    ...{ traceId: id, spanId: id, parentSpanId: id, name: z.string().default('') },
                    ...{ kind: z.number().int().default(0), attributes },
                    ...{ startTimeUnixNano: microseconds, endTimeUnixNano: microseconds },
                  }),
                )
                .default([]),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});

function wantedOf(list: z.output<typeof attributes>): Record<string, string> {
  const wanted = list.filter(({ key }) => spanAttributes.has(key));
  const read = attributeList.safeParse(wanted);
  const found = read.success ? attributesOf(read.data) : {};
  return Object.fromEntries(Object.entries(found).map(([key, text]) => [key, text.slice(0, spanLimits.attribute)]));
}
