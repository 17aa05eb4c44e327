import { createHash, type KeyObject, verify } from 'node:crypto';
import { agentHeaders, signedText } from '../../api/index.ts';
import { err, type HostId, ok, problem, type Result } from '../../model/index.ts';

/** How far an agent's clock may be off before its requests are refused. */
export const clockToleranceMs = 60_000;

/** What a signed request says of itself, before it is believed. */
export interface SignedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly header: (name: string) => string | undefined;
}

/** The host a request claims to come from; undefined when it does not say, or says nonsense. */
export function claimedHost(request: SignedRequest): HostId | undefined {
  const host = request.header(agentHeaders.host);
  return host !== undefined && /^[a-z0-9][a-z0-9.-]{0,62}$/.test(host) ? host : undefined;
}

/** Whether the request was signed by the holder of the key, a moment ago. */
export function checkSignature(
  request: SignedRequest,
  body: Uint8Array,
  publicKey: KeyObject,
  nowMs: number,
): Result<void> {
  const timestamp = request.header(agentHeaders.timestamp) ?? '';
  const signature = Buffer.from(request.header(agentHeaders.signature) ?? '', 'base64');
  const offByMs = Math.abs(nowMs - Number(timestamp));
  if (!/^\d{1,15}$/.test(timestamp) || offByMs > clockToleranceMs) {
    const detail = `Its time ${timestamp.slice(0, 20) || '(none)'} is too far from the server’s ${nowMs}.`;
    return err(problem('agent/bad-signature', detail));
  }
  const bodyDigest = createHash('sha256').update(body).digest('hex');
  const text = Buffer.from(signedText(request.method, request.path, timestamp, bodyDigest));
  if (signature.length !== 64 || !verify(null, text, publicKey, signature)) {
    return err(problem('agent/bad-signature', 'The signature does not fit the request.'));
  }
  return ok(undefined);
}
