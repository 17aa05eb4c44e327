import { type OtlpSpan, spanKinds } from '../otlp/index.ts';

const maxLength = 60;
const kindWords: Readonly<Record<number, string>> = {
  [spanKinds.server]: 'server',
  [spanKinds.client]: 'client',
  [spanKinds.producer]: 'producer',
  [spanKinds.consumer]: 'consumer',
};

/**
 * The part of a service's time that a span stands for, by OpenTelemetry's semantic conventions, the stable names and
 * those before: `postgresql select`, `rpc cart.Cart/Add`, `http payments.example`, `messaging kafka publish`; else its
 * kind and name. Never `request`, `self` or `other`: those are ours.
 */
export function componentOf({ kind, name, attributes: of }: Pick<OtlpSpan, 'kind' | 'name' | 'attributes'>): string {
  const database = of['db.system.name'] ?? of['db.system'];
  if (database !== undefined) {
    const operation =
      of['db.operation.name'] ?? of['db.operation'] ?? verbOf(of['db.query.text'] ?? of['db.statement']);
    return bounded(`${database} ${operation ?? ''}`.toLowerCase(), 'database');
  }
  const queue = of['messaging.system'];
  if (queue !== undefined) {
    return bounded(
      `messaging ${queue} ${of['messaging.operation.type'] ?? of['messaging.operation'] ?? ''}`,
      'messaging',
    );
  }
  if ((of['rpc.system.name'] ?? of['rpc.system']) !== undefined) {
    const called = [of['rpc.service'], of['rpc.method']].filter((part) => part !== undefined).join('/');
    return bounded(`rpc ${called || name}`, 'rpc');
  }
  const isHttp = (of['http.request.method'] ?? of['http.method']) !== undefined;
  if (kind === spanKinds.client && isHttp) {
    return bounded(`http ${of['server.address'] ?? of['net.peer.name'] ?? ''}`, 'http');
  }
  const word = kindWords[kind] ?? 'internal';
  return bounded(`${word} ${name}`, word);
}

/** The first word of a statement, where it is one of SQL: never the statement itself. */
function verbOf(statement: string | undefined): string | undefined {
  return /^\s*(select|insert|update|delete|merge|with|call|begin|commit|rollback)\b/i.exec(statement ?? '')?.[1];
}

/** Without what differs from request to request: addresses, ids, numbers; without what does not belong into a sentence. */
function bounded(text: string, otherwise: string): string {
  const plain = text
    .replace(/\d{1,3}(\.\d{1,3}){3}(:\d+)?/g, '*')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '*')
    .replace(/\b(?=[a-f]*\d)[0-9a-f]{8,}\b/gi, '*')
    .replace(/\d{3,}/g, '*')
    .replace(/[^\p{L}\p{N}*./:_<>@{}$#-]+/gu, ' ')
    .trim();
  return plain === '' ? otherwise : [...plain].slice(0, maxLength).join('').trimEnd();
}
