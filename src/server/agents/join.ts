import type { z } from 'zod';
import { agentProtocolVersion, type Hello, type HelloAnswer, type joinRequestSchema } from '../../api/index.ts';
import { join, recordHello } from '../../fleet/work.ts';
import { type HostId, rollway } from '../../model/index.ts';
import { refuse } from '../errors.ts';
import type { AgentContext } from './context.ts';
import { refuseForeign } from './foreign.ts';
import { publicKeyOf } from './known-agents.ts';
import { hashOfSecret } from './tokens.ts';

/** A host joins: its token is spent, its key remembered. */
export async function answerJoin(
  context: AgentContext,
  request: z.infer<typeof joinRequestSchema>,
): Promise<{ host: HostId }> {
  const { host, version } = request;
  const key = publicKeyOf(request.publicKey);
  if (key === undefined) refuse('api/bad-request', 'publicKey: not an Ed25519 public key in PEM.');
  checkVersion(context, version, agentProtocolVersion);
  const facts = {
    secretHash: hashOfSecret(request.secret),
    host,
    publicKey: key.export({ type: 'spki', format: 'pem' }).toString(),
    version,
  };
  const joined = await context.engine.commitAs(rollway('fleet'), join(facts, context.clock.nowMs()));
  if (joined === undefined || !joined.ok) {
    const why = joined?.error;
    if (why === undefined) refuse('api/unavailable', 'The server could not record the host.');
    context.log.info('a join was refused', { host, code: why.code });
    refuse(why.code, why.detail, why.facts);
  }
  context.agents.forget(host);
  // Whoever joins again counts its batches from the beginning: none of them was taken before.
  context.sampleBatches.delete(host);
  return { host };
}

/** A host says what it is and has; it is told what of it a newer incarnation elsewhere has replaced. */
export async function answerHello(context: AgentContext, host: HostId, hello: Hello): Promise<HelloAnswer> {
  if (hello.host !== host) return refuseForeign(context, host, `hello as ${hello.host}`);
  checkVersion(context, hello.version, hello.protocol);
  const said = await context.engine.commitAs(rollway('fleet'), recordHello(hello, context.clock.nowMs()));
  context.absent.delete(host);
  context.heard.mark(host);
  context.held.add(host, hello.packages);
  const { heartbeatMs, binMs } = context.settings;
  return { heartbeatMs, binMs, superseded: [...(said ?? [])] };
}

function checkVersion(context: AgentContext, version: string, protocol: number): void {
  const wanted = context.settings.version;
  if (version === wanted && protocol === agentProtocolVersion) return;
  const detail = `The agent is ${version} (protocol ${protocol}), the server ${wanted} (protocol ${agentProtocolVersion}).`;
  refuse('agent/version-mismatch', detail, { version, wanted });
}
