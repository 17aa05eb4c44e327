/** Tables of `server/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface ServerTables {
  api_token: ApiTokenRow;
  sign_in_code: SignInCodeRow;
  session: SessionRow;
  answered_request: AnsweredRequestRow;
}

/** A person or program that may use the API. Secrets are stored as SHA-256 only. */
interface ApiTokenRow {
  id: string;
  name: string;
  role: string;
  /** Of a token that may only hand in metrics: the job or task it speaks for; null: all. */
  scope: string | null;
  secret_hash: string;
  /** JSON `Actor`. */
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number | null;
  used_at_ms: number | null;
}

/** Signs a browser in as the token's person, once. */
interface SignInCodeRow {
  code_hash: string;
  token: string;
  expires_at_ms: number;
  used_at_ms: number | null;
}

/** A browser that is signed in; ends with its token. */
interface SessionRow {
  session_hash: string;
  token: string;
  created_at_ms: number;
  expires_at_ms: number;
}

/** What was answered to a request with an `Idempotency-Key`, for a day. */
interface AnsweredRequestRow {
  token: string;
  request_key: string;
  /** Digest of route and body: the same key for another request is a mistake. */
  request_digest: string;
  /** null while the first one is still being answered. */
  status: number | null;
  body: string | null;
  at_ms: number;
}
