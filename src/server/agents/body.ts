import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { err, ok, ProblemError, problem, type Result } from '../../model/index.ts';

/** Reads a body up to a limit; what is larger is not read to its end. */
export async function readBody(request: Request, maxBytes: number): Promise<Result<Uint8Array>> {
  const tooLarge = err(problem('api/too-large', `The body may have at most ${maxBytes} bytes.`));
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return tooLarge;
  if (request.body === null) return ok(new Uint8Array());
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ok(Buffer.concat(chunks, size));
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel().catch(() => undefined);
      return tooLarge;
    }
    chunks.push(value);
  }
}

/** Unpacks gzip up to a limit, so that a small body cannot become a large one. */
export function gunzip(body: Uint8Array, maxBytes: number): Result<Uint8Array> {
  try {
    return ok(gunzipSync(body, { maxOutputLength: maxBytes }));
  } catch (error) {
    const isLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    if (isLarge) return err(problem('api/too-large', `The unpacked body may have at most ${maxBytes} bytes.`));
    return err(problem('api/bad-request', 'The body is not gzip.'));
  }
}

/** JSON of a known form, or a problem that names the field. */
export function parseBody<T>(body: Uint8Array, schema: z.ZodType<T>): Result<T> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return err(problem('api/bad-request', 'The body is not JSON.'));
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return ok(parsed.data);
  return err(problem('api/bad-request', z.prettifyError(parsed.error).slice(0, 1000)));
}

/** The value of a result, or its problem thrown to the edge. */
export function valueOrThrow<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new ProblemError(result.error);
}
