import { refuse } from './errors.ts';

/** JSON bodies of the API are small; whatever is larger is a mistake or an attack. */
export const maxJsonBytes = 1_048_576;

/** The body's bytes; refused as soon as it is longer than it may be, whatever its `Content-Length` says. */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes) refuse('api/too-large', `At most ${maxBytes} bytes are taken here.`, { maxBytes });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.byteLength;
    if (size > maxBytes) refuse('api/too-large', `At most ${maxBytes} bytes are taken here.`, { maxBytes });
    parts.push(part);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** The JSON value of the body. A form of another site cannot send this content type without being asked first. */
export async function readJsonBody(request: Request): Promise<unknown> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  const bytes = await readBytes(request, maxJsonBytes);
  if (bytes.byteLength === 0) return {};
  if (type !== 'application/json') {
    refuse('api/bad-request', 'The body has to be JSON, sent as application/json.', { contentType: type ?? null });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refuse('api/bad-request', 'The body is not valid JSON.');
  }
}
