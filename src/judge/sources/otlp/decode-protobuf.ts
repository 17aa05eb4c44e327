import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import {
  Budget,
  limits,
  type OtlpBuckets,
  OtlpError,
  type OtlpMetric,
  type OtlpPoint,
  type OtlpResource,
} from './request.ts';

/**
 * `ExportMetricsServiceRequest` of opentelemetry-proto 1.x. The wire format is read by a library; here stands which
 * field has which number. Fields that are not used are skipped, unknown ones too.
 */
export function decodeProtobuf(body: Uint8Array): OtlpResource[] {
  const budget = new Budget();
  return resourcesIn(body, (bytes) => {
    budget.resource();
    return resourceOf(bytes, budget);
  });
}

/** Both kinds of request are a list of resources; what cannot be read is told as such. */
export function resourcesIn<T>(body: Uint8Array, read: (bytes: Uint8Array) => T): T[] {
  const resources: T[] = [];
  try {
    eachField(body, { 1: (reader) => resources.push(read(reader.bytes())) });
  } catch (cause) {
    if (cause instanceof OtlpError) throw cause;
    throw new OtlpError(`the body is no OTLP protobuf: ${(cause as Error).message}`, { cause });
  }
  return resources;
}

type Fields = Readonly<Record<number, (reader: BinaryReader, type: WireType) => void>>;

export function eachField(bytes: Uint8Array, fields: Fields): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const read = fields[number];
    if (read) read(reader, type);
    else reader.skip(type, number);
    if (reader.pos > reader.len) throw new RangeError('premature EOF');
  }
}

function resourceOf(bytes: Uint8Array, budget: Budget): OtlpResource {
  let attributes: Record<string, string> = {};
  const metrics: OtlpMetric[] = [];
  eachField(bytes, {
    1: (reader) => {
      attributes = attributesOf(reader.bytes(), 1);
    },
    2: (reader) => eachField(reader.bytes(), { 2: (scope) => void metrics.push(metricOf(scope.bytes(), budget)) }),
  });
  return { attributes, metrics };
}

/** The repeated `KeyValue` in field `number` of a message; its other fields are skipped. */
export function attributesOf(bytes: Uint8Array, number: number): Record<string, string> {
  const attributes: Record<string, string> = {};
  eachField(bytes, { [number]: (reader) => addAttribute(attributes, reader.bytes()) });
  return attributes;
}

function addAttribute(attributes: Record<string, string>, bytes: Uint8Array): void {
  let key = '';
  let text: string | undefined;
  eachField(bytes, {
    1: (reader) => {
      key = reader.string();
    },
    2: (reader) => {
      text = textOf(reader.bytes());
    },
  });
  if (text === undefined || key === '__proto__') return;
  if (Object.keys(attributes).length >= limits.attributes)
    throw new OtlpError(`more than ${limits.attributes} attributes`);
  attributes[key.slice(0, limits.text)] = text.slice(0, limits.text);
}

/** Text, truth values and numbers; lists and maps are no labels. */
export function textOf(bytes: Uint8Array): string | undefined {
  let text: string | undefined;
  eachField(bytes, {
    1: (reader) => {
      text = reader.string();
    },
    2: (reader) => {
      text = String(reader.bool());
    },
    3: (reader) => {
      text = String(reader.int64());
    },
    4: (reader) => {
      text = String(reader.double());
    },
  });
  return text;
}

function metricOf(bytes: Uint8Array, budget: Budget): OtlpMetric {
  let name = '';
  let unit = '';
  let kind: OtlpMetric['kind'] = 'unknown';
  let temporality = 0;
  let isMonotonic = false;
  const points: OtlpPoint[] = [];
  const content =
    (of: OtlpMetric['kind'], point: (bytes: Uint8Array) => OtlpPoint) =>
    (reader: BinaryReader): void => {
      kind = of;
      eachField(reader.bytes(), {
        1: (inner) => {
          budget.point();
          points.push(point(inner.bytes()));
        },
        2: (inner) => {
          temporality = inner.int32();
        },
        3: (inner) => {
          isMonotonic = inner.bool();
        },
      });
    };
  eachField(bytes, {
    1: (reader) => {
      name = reader.string().slice(0, limits.text);
    },
    3: (reader) => {
      unit = reader.string().slice(0, limits.text);
    },
    5: content('gauge', numberPoint),
    7: content('sum', numberPoint),
    9: content('histogram', histogramPoint),
    10: content('exponential', exponentialPoint),
    11: content('summary', summaryPoint),
  });
  return { name, unit, kind, temporality, isMonotonic, points };
}

/** What all points have in common, at the numbers where all but their attributes and flags stand. */
function pointReader(numbers: { readonly attributes: number; readonly flags: number }) {
  const point = { attributes: {} as Record<string, string>, startMs: 0, atMs: 0, isMissing: false };
  const fields: Record<number, (reader: BinaryReader) => void> = {
    2: (reader) => {
      point.startMs = millisecondsOf(reader.fixed64());
    },
    3: (reader) => {
      point.atMs = millisecondsOf(reader.fixed64());
    },
    [numbers.attributes]: (reader) => addAttribute(point.attributes, reader.bytes()),
    [numbers.flags]: (reader) => {
      point.isMissing = (reader.uint32() & 1) === 1;
    },
  };
  return { point, fields };
}

function numberPoint(bytes: Uint8Array): OtlpPoint {
  const { point, fields } = pointReader({ attributes: 7, flags: 8 });
  let value: number | undefined;
  eachField(bytes, {
    ...fields,
    4: (reader) => {
      value = reader.double();
    },
    6: (reader) => {
      value = Number(reader.sfixed64());
    },
  });
  return { ...point, value };
}

function histogramPoint(bytes: Uint8Array): OtlpPoint {
  const { point, fields } = pointReader({ attributes: 9, flags: 10 });
  let count: number | undefined;
  let sum: number | undefined;
  const counts: number[] = [];
  const bounds: number[] = [];
  eachField(bytes, {
    ...fields,
    4: (reader) => {
      count = Number(reader.fixed64());
    },
    5: (reader) => {
      sum = reader.double();
    },
    6: (reader, type) => repeated(reader, type, counts, (one) => Number(one.fixed64())),
    7: (reader, type) => repeated(reader, type, bounds, (one) => one.double()),
  });
  return { ...point, count, sum, counts, bounds };
}

function exponentialPoint(bytes: Uint8Array): OtlpPoint {
  const { point, fields } = pointReader({ attributes: 1, flags: 10 });
  const read: { -readonly [k in keyof OtlpPoint]?: OtlpPoint[k] } = {};
  eachField(bytes, {
    ...fields,
    4: (reader) => {
      read.count = Number(reader.fixed64());
    },
    5: (reader) => {
      read.sum = reader.double();
    },
    6: (reader) => {
      read.scale = reader.sint32();
    },
    7: (reader) => {
      read.zeroCount = Number(reader.fixed64());
    },
    8: (reader) => {
      read.positive = bucketsOf(reader.bytes());
    },
    9: (reader) => {
      read.negative = bucketsOf(reader.bytes());
    },
  });
  return { ...point, scale: 0, zeroCount: 0, ...read };
}

function summaryPoint(bytes: Uint8Array): OtlpPoint {
  const { point, fields } = pointReader({ attributes: 7, flags: 8 });
  let count: number | undefined;
  let sum: number | undefined;
  eachField(bytes, {
    ...fields,
    4: (reader) => {
      count = Number(reader.fixed64());
    },
    5: (reader) => {
      sum = reader.double();
    },
  });
  return { ...point, count, sum };
}

function bucketsOf(bytes: Uint8Array): OtlpBuckets {
  let offset = 0;
  const counts: number[] = [];
  eachField(bytes, {
    1: (reader) => {
      offset = reader.sint32();
    },
    2: (reader, type) => repeated(reader, type, counts, (one) => Number(one.uint64())),
  });
  return { offset, counts };
}

/** A repeated number: packed, or one by one. */
function repeated(reader: BinaryReader, type: WireType, into: number[], read: (reader: BinaryReader) => number): void {
  const end = type === WireType.LengthDelimited ? reader.uint32() + reader.pos : undefined;
  if (end !== undefined && end > reader.len) throw new RangeError('premature EOF');
  do {
    if (end !== undefined && reader.pos >= end) return;
    if (into.length >= limits.buckets) throw new OtlpError(`more than ${limits.buckets} buckets`);
    into.push(read(reader));
  } while (end !== undefined);
}

function millisecondsOf(nanoseconds: bigint | string): number {
  return Number(BigInt(nanoseconds) / 1_000_000n);
}
