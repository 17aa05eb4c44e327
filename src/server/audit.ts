import type { RouteName } from '../api/index.ts';
import type { Call, ServerContext } from './context.ts';
import type { ParsedRequest } from './parse.ts';

/** Asked often or harmless: they would bury the rest. */
const notAudited: ReadonlySet<RouteName> = new Set<RouteName>(['planDeploy', 'planMaintenance', 'pushSamples']);
const maxBodyChars = 4000;

/**
 * One event for each request that changes, or tried to change, something: who, what, with what outcome. Bodies hold
 * no secrets (codes and tokens are only ever answered, and `signIn` hands in nothing).
 */
export async function audit(
  context: ServerContext,
  name: RouteName,
  input: ParsedRequest,
  call: Call,
  status: number,
): Promise<void> {
  if (notAudited.has(name)) return;
  const body = input.body === undefined ? undefined : JSON.stringify(input.body);
  const subject = Object.values(input.params ?? {}).join(' ');
  const data: Record<string, unknown> = {
    sentence: `Asked for ${name}${subject === '' ? '' : ` ${subject}`}: ${status < 400 ? 'done' : 'refused'} (${status}).`,
    params: input.params ?? {},
    status,
    requestId: call.requestId,
    ...(body === undefined
      ? {}
      : { body: body.length > maxBodyChars ? `${body.slice(0, maxBodyChars)}…` : input.body }),
    ...(input.bytes === undefined ? {} : { bytes: input.bytes.byteLength }),
  };
  await context.engine.append({
    events: [{ stream: 'server/audit', type: `request/${name}`, actor: call.actor, data }],
  });
}
