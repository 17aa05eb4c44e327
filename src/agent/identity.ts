import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { joinAnswerSchema, joinTokenSchema } from '../api/index.ts';
import { readJson, writeFileAtomic } from '../io/files.ts';
import { WrongFingerprintError } from '../io/pinned-tls.ts';
import { catalogue, type Problem, type ProblemCode, ProblemError, problem } from '../model/index.ts';
import type { AgentOptions } from './options.ts';
import { paths } from './paths.ts';
import { RefusedError, ServerClient } from './server-client.ts';

const identitySchema = z.strictObject({
  format: z.literal(1),
  /** PKCS#8 PEM of the Ed25519 key. It never leaves this file. */
  privateKey: z.string(),
  publicKey: z.string(),
  /** Null until the server has accepted the key. */
  joined: z
    .strictObject({ host: z.string(), fingerprint: z.string(), addresses: z.array(z.string()).min(1) })
    .nullable(),
});
type IdentityFile = z.infer<typeof identitySchema>;

const joinRounds = 5;
const joinPauseMs = 1000;

/** Who this agent is, and whom it trusts. */
export interface Identity {
  readonly host: string;
  readonly key: KeyObject;
  readonly fingerprint: string;
  readonly addresses: readonly string[];
}

/**
 * The agent's identity. At the first start it makes a key, joins with the token file and remembers both sides; the key
 * is on disk before it is used, so that a join whose answer was lost is repeated with the same key.
 */
export async function openIdentity(options: AgentOptions, signal: AbortSignal): Promise<Identity> {
  const file = join(options.dataDir, 'identity.json');
  const known = await readIdentity(file);
  const identity = known ?? newIdentity();
  if (!known) await writeFileAtomic(file, JSON.stringify(identity));
  const joined = identity.joined ?? (await joinServer(options, identity, signal));
  if (!identity.joined) await writeFileAtomic(file, JSON.stringify({ ...identity, joined }));
  const addresses = [...new Set([...(options.serverAddresses ?? []), ...joined.addresses])];
  return { host: joined.host, fingerprint: joined.fingerprint, addresses, key: createPrivateKey(identity.privateKey) };
}

async function readIdentity(file: string): Promise<IdentityFile | undefined> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  if (text === undefined) return undefined;
  await chmod(file, 0o600);
  const parsed = identitySchema.safeParse(await readJson(file));
  if (parsed.success) return parsed.data;
  const remedy = 'Restore it from a backup; or delete it and join again with a new token file.';
  throw new ProblemError(problem('server/data-folder', `${file} is damaged.`, { file }, remedy));
}

function newIdentity(): IdentityFile {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    format: 1,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    joined: null,
  };
}

async function joinServer(
  options: AgentOptions,
  identity: IdentityFile,
  signal: AbortSignal,
): Promise<NonNullable<IdentityFile['joined']>> {
  const token = await readToken(options.joinFile);
  const addresses = [...(options.serverAddresses ?? []), ...token.addresses];
  const client = new ServerClient({ addresses, fingerprint: token.fingerprint });
  try {
    const host = options.host ?? hostname().toLowerCase();
    const body = { secret: token.secret, host, publicKey: identity.publicKey, version: options.version };
    const answer = joinAnswerSchema.parse(
      await askEach(addresses, signal, () => client.postJson(paths.join, body, { signal })),
    );
    // The one that answered comes first from now on.
    const known = [...new Set([client.address, ...token.addresses])];
    return { host: answer.host, fingerprint: token.fingerprint, addresses: known };
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ProblemError(whyNotJoined(cause, addresses), { cause });
  } finally {
    client.close();
  }
}

function whyNotJoined(cause: unknown, addresses: readonly string[]): Problem {
  const detail = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof RefusedError) {
    const code = Object.hasOwn(catalogue, cause.code ?? '') ? (cause.code as ProblemCode) : 'agent/not-joined';
    return problem(code, cause.detail ?? detail);
  }
  if (cause instanceof WrongFingerprintError) return problem('agent/wrong-server', detail);
  return problem('agent/not-joined', `None of ${addresses.join(', ')} answers: ${detail}`);
}

/** Tries a few rounds over all addresses (the client goes on to the next one by itself); a refusal ends it. */
async function askEach<T>(addresses: readonly string[], signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (cause) {
      const isFinal = cause instanceof RefusedError || cause instanceof WrongFingerprintError || signal.aborted;
      if (isFinal || tries >= joinRounds * addresses.length) throw cause;
      if (tries % addresses.length === 0) await sleep(joinPauseMs, undefined, { signal }).catch(() => {});
    }
  }
}

async function readToken(file: string | undefined): Promise<z.infer<typeof joinTokenSchema>> {
  if (file === undefined) {
    const remedy = 'Make a token file on the server with `rollway agent token` and start with --join <file>.';
    throw new ProblemError(problem('auth/bad-token', 'This host has not joined yet.', {}, remedy));
  }
  const parsed = joinTokenSchema.safeParse(await readJson(file));
  if (parsed.success) return parsed.data;
  throw new ProblemError(problem('auth/bad-token', `${file} is not a token file.`, { file }));
}
