import { CUSTODY_SCHEMA } from './store-custody.ts'

/** The embedded store's tables. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS state_until ON state (until);
CREATE TABLE IF NOT EXISTS decisions (
  idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, agent TEXT NOT NULL, root TEXT NOT NULL,
  receipt BLOB NOT NULL, subject TEXT NOT NULL, inputs BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS idempotency (key TEXT PRIMARY KEY, action_digest TEXT NOT NULL, decision TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
  id TEXT PRIMARY KEY, agent TEXT NOT NULL, decision TEXT NOT NULL UNIQUE, nonce TEXT NOT NULL UNIQUE, request TEXT NOT NULL,
  held_at INTEGER NOT NULL, pull INTEGER, resolution TEXT, published INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS requests_open ON requests (published, id);
CREATE INDEX IF NOT EXISTS requests_waiting ON requests (agent) WHERE resolution IS NULL;
CREATE INDEX IF NOT EXISTS requests_pull ON requests (pull);
CREATE INDEX IF NOT EXISTS requests_ratifying ON requests (agent) WHERE request ->> '$.ratifies' IS NOT NULL;
-- What stands on a pull request of its own for good (null), and what people review in a batch.
CREATE TABLE IF NOT EXISTS gathered (request TEXT PRIMARY KEY, batch TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gathered_batch ON gathered (batch) WHERE batch IS NOT NULL;
CREATE TABLE IF NOT EXISTS looks (
  request TEXT PRIMARY KEY, mark TEXT, at INTEGER NOT NULL, due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices (request TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (request, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grants (
  id TEXT PRIMARY KEY, decision TEXT NOT NULL UNIQUE, request TEXT, audience TEXT NOT NULL, call TEXT NOT NULL,
  issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, redeemed_at INTEGER, reported_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (
  project TEXT NOT NULL, token TEXT NOT NULL, subject TEXT NOT NULL, ciphertext BLOB NOT NULL,
  PRIMARY KEY (project, token, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subject_keys (subject TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;
${CUSTODY_SCHEMA}`
