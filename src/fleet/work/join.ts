import type { Addition, Proposal, View } from '../../engine/index.ts';
import { type Actor, err, type HostId, ok, ProblemError, problem, type Result } from '../../model/index.ts';
import * as rows from '../rows.ts';

/** Records a join token (its hash) with who made it. */
export function joinTokenAddition(token: rows.NewJoinToken, actor: Actor): Addition {
  const { id, expiresAtMs } = token;
  return {
    write: (tx) => rows.insertJoinToken(tx, token),
    events: [{ stream: 'fleet', type: 'fleet.join-token-made', actor, data: { id, expiresAtMs } }],
  };
}

export interface JoinFacts {
  readonly secretHash: string;
  readonly host: HostId;
  readonly publicKey: string;
  readonly version: string;
}

/**
 * Spends a join token and records the host with its key. The same agent may repeat it (its answer was lost); another
 * key for a host that is not lost or fenced is refused: a cloned disk is not a second host.
 */
export function join(facts: JoinFacts, nowMs: number): (view: View) => Promise<Proposal<Result<HostId>>> {
  return async ({ tx, guard }) => {
    await guard('host', facts.host);
    const known = await rows.findHost(tx, facts.host);
    const token = await rows.findJoinToken(tx, facts.secretHash);
    const isRepeat = known?.publicKey === facts.publicKey && token?.usedBy === facts.host;
    if (isRepeat) return { result: ok(facts.host) };
    if (token === undefined || token.usedBy !== undefined || token.expiresAtMs <= nowMs) {
      return { result: err(problem('auth/bad-token', 'The join token is unknown, used or expired.')) };
    }
    if (known !== undefined && known.state !== 'lost' && known.state !== 'fenced') {
      return { result: err(problem('agent/already-joined', `${facts.host} is ${known.state}.`, { host: facts.host })) };
    }
    return {
      bump: [{ kind: 'host', id: facts.host }],
      write: async (writer) => {
        const isSpent = await rows.spendJoinToken(writer, facts.secretHash, facts.host, nowMs);
        if (!isSpent) throw new ProblemError(problem('auth/bad-token', 'The join token was used a moment ago.'));
        await rows.deleteHost(writer, facts.host);
        await rows.insertHost(writer, facts.host, facts.publicKey, facts.version, nowMs);
      },
      events: [
        {
          stream: `host/${facts.host}`,
          type: 'host.joined',
          actor: { kind: 'agent', host: facts.host },
          data: { version: facts.version, token: token.id, again: known !== undefined },
        },
      ],
      result: ok(facts.host),
    };
  };
}
