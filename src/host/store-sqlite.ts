import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import type { Request } from '../model/generated/types.ts'
import type { StateEntry, StateSlice } from '../model/nouns.ts'
import type {
  GrantRecord,
  NewDecision,
  RequestFilter,
  RequestRecord,
  ResolutionRecord,
  SealedToken,
  Store,
  StoredDecision,
  StoreTransaction,
} from '../model/ports.ts'
import { seal, unseal } from './seal.ts'

/**
 * The embedded store: one SQLite file in WAL mode with synchronous commits, through Node's own binding. Several
 * processes may open it; units of work run one after another over all of them.
 *
 * @param wrappingKey - 32 bytes; wraps the data keys of subjects
 * @throws {PolicyError} STORE_NEWER_FORMAT, STORE_KEY_MISMATCH, STORE_FAILED
 */
export function openSqliteStore(file: string, wrappingKey: Uint8Array): Store {
  const writer = connect(file)
  migrate(writer, wrappingKey)
  // Reads outside a unit of work must not see a unit that is still open, so they have a connection of their own.
  const reader = connect(file)
  const turn = queue()
  const tx = transaction(writer, wrappingKey)
  const read = readings(reader, wrappingKey)
  return {
    ...read,
    transact: (work) => turn(() => unit(writer, () => work(tx), 'COMMIT')),
    exclusively: (work) => turn(() => unit(writer, work, 'ROLLBACK')),
    close: () =>
      turn(async () => {
        if (reader.isOpen) reader.close()
        if (writer.isOpen) writer.close()
      }),
  }
}

const FORMAT = 1
const BUSY_MS = 50 // SQLite blocks the thread while it waits, so it waits briefly and we come back.
const BUSY_DEADLINE_MS = 30_000

const SCHEMA = `
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
CREATE TABLE IF NOT EXISTS grants (
  id TEXT PRIMARY KEY, decision TEXT NOT NULL UNIQUE, request TEXT, audience TEXT NOT NULL, call TEXT NOT NULL,
  issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, redeemed_at INTEGER, reported_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (
  project TEXT NOT NULL, token TEXT NOT NULL, subject TEXT NOT NULL, ciphertext BLOB NOT NULL,
  PRIMARY KEY (project, token, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subject_keys (subject TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;
`

function connect(file: string): DatabaseSync {
  try {
    // Made first, for its owner alone; SQLite gives the files beside it the same permissions.
    closeSync(openSync(file, 'a', 0o600))
    const database = new DatabaseSync(file, { timeout: BUSY_DEADLINE_MS })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    return database
  } catch (cause) {
    throw new PolicyError('STORE_FAILED', `cannot open the store ${file}`, { cause, file })
  }
}

function migrate(database: DatabaseSync, wrappingKey: Uint8Array): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(SCHEMA)
    const format = database.prepare("SELECT value FROM meta WHERE key = 'format'").get()
    if (format === undefined) {
      const insert = database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)')
      insert.run('format', Buffer.from(String(FORMAT)))
      insert.run('key_check', seal(wrappingKey, Buffer.from('countersign'), 'key_check'))
    } else if (!(Number(text(format['value'])) <= FORMAT)) {
      throw new PolicyError(
        'STORE_NEWER_FORMAT',
        `the store has format ${text(format['value'])}; this version reads up to ${FORMAT}: use a newer countersign`,
      )
    }
    const check = database.prepare("SELECT value FROM meta WHERE key = 'key_check'").get()
    unseal(wrappingKey, bytes(check?.['value']), 'key_check')
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
}

/** Runs one thing after another in the order of the calls. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
}

async function unit<T>(
  database: DatabaseSync,
  work: () => Promise<T>,
  end: 'COMMIT' | 'ROLLBACK',
): Promise<T> {
  await beginImmediate(database)
  let result: T
  try {
    result = await work()
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
  try {
    database.exec(end)
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw new PolicyError('STORE_FAILED', 'the store could not commit', { cause, retryable: true })
  }
  return result
}

async function beginImmediate(database: DatabaseSync): Promise<void> {
  const deadline = performance.now() + BUSY_DEADLINE_MS
  for (;;) {
    try {
      database.exec('BEGIN IMMEDIATE')
      return
    } catch (cause) {
      if (!isBusy(cause) || performance.now() > deadline) {
        throw new PolicyError('STORE_FAILED', 'the store is locked by another process', {
          cause,
          retryable: true,
        })
      }
      await sleep(5)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5 // SQLITE_BUSY
}

function transaction(database: DatabaseSync, wrappingKey: Uint8Array): StoreTransaction {
  const sql = writes(database)
  const read = readings(database, wrappingKey)
  return {
    nested: async (work) => {
      sql.savepoint.run()
      try {
        const result = await work()
        sql.release.run()
        return result
      } catch (error) {
        database.exec('ROLLBACK TO nested; RELEASE nested')
        throw error
      }
    },
    subjectKey: async (subject) => {
      const known = await read.subjectKey(subject)
      if (known !== null) return known
      const key = randomBytes(32)
      sql.putKey.run(subject, seal(wrappingKey, key, `subject/${subject}`))
      return key
    },
    readState: async (keys) => {
      const slice: Record<string, StateEntry> = Object.create(null)
      for (const key of keys) {
        const row = sql.state.get(key)
        if (row !== undefined) {
          slice[key] = {
            value: json(row['value']) as JsonValue,
            until: Number(row['until']),
          }
        }
      }
      return slice
    },
    writeState: async (entries: StateSlice) => {
      for (const [key, entry] of Object.entries(entries)) {
        sql.putState.run(key, JSON.stringify(entry.value), entry.until)
      }
    },
    forgetState: async (before) => {
      sql.forget.run(before)
    },
    appendDecision: async (decision: NewDecision) => {
      const index = read.sizeNow()
      sql.append.run(
        index,
        decision.id,
        decision.at,
        decision.agent,
        decision.root,
        decision.receipt,
        decision.inputs.subject,
        decision.inputs.ciphertext,
      )
      return index
    },
    decision: read.decision,
    idempotency: async (key) => {
      const row = sql.idempotency.get(key)
      if (row === undefined) return null
      return { actionDigest: String(row['action_digest']), decision: String(row['decision']) }
    },
    putIdempotency: async (key, record) => {
      sql.putIdempotency.run(key, record.actionDigest, record.decision)
    },
    putRequest: async (request, heldAt) => {
      sql.putRequest.run(
        request.id,
        request.agent,
        request.decision,
        request.nonce,
        JSON.stringify(request),
        heldAt,
      )
    },
    waitingRequests: async (agent) => Number(sql.waiting.get(agent)?.['waiting']),
    request: read.request,
    requestOfDecision: read.requestOfDecision,
    setPull: async (id, pull) => {
      sql.setPull.run(pull, id)
    },
    resolve: async (id, resolution) =>
      sql.resolve.run(JSON.stringify(resolution), id).changes === 1,
    setPublished: async (id) => {
      sql.setPublished.run(id)
    },
    ...ledgers(sql, read),
  }
}

/** Grants, and the clear values of tokens. */
function ledgers(
  sql: ReturnType<typeof writes>,
  read: ReturnType<typeof readings>,
): Pick<
  StoreTransaction,
  'putGrant' | 'grant' | 'grantOfDecision' | 'redeemGrant' | 'reportGrant' | 'putToken' | 'tokens'
> {
  return {
    putGrant: async ({ id, decision, request, audience, call, issuedAt, expiresAt }) => {
      const text = JSON.stringify(call)
      sql.putGrant.run(id, decision, request, audience, text, issuedAt, expiresAt)
    },
    grant: read.grant,
    grantOfDecision: read.grantOfDecision,
    redeemGrant: async (id, index) => sql.redeemGrant.run(index, id).changes === 1,
    reportGrant: async (id, index) => sql.reportGrant.run(index, id).changes === 1,
    putToken: async ({ project, token, subject, ciphertext }) => {
      sql.putToken.run(project, token, subject, ciphertext)
    },
    tokens: read.tokens,
  }
}

function writes(database: DatabaseSync) {
  return {
    state: database.prepare('SELECT value, until FROM state WHERE key = ?'),
    putState: database.prepare(
      'INSERT INTO state (key, value, until) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, until = excluded.until',
    ),
    forget: database.prepare(
      'DELETE FROM state WHERE key IN (SELECT key FROM state WHERE until < ? LIMIT 64)',
    ),
    append: database.prepare(
      'INSERT INTO decisions (idx, id, at, agent, root, receipt, subject, inputs) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    idempotency: database.prepare('SELECT action_digest, decision FROM idempotency WHERE key = ?'),
    putIdempotency: database.prepare(
      'INSERT INTO idempotency (key, action_digest, decision) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET decision = excluded.decision',
    ),
    putRequest: database.prepare(
      'INSERT INTO requests (id, agent, decision, nonce, request, held_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    waiting: database.prepare(
      'SELECT count(*) AS waiting FROM requests WHERE agent = ? AND resolution IS NULL',
    ),
    setPull: database.prepare('UPDATE requests SET pull = ? WHERE id = ? AND pull IS NULL'),
    resolve: database.prepare(
      'UPDATE requests SET resolution = ? WHERE id = ? AND resolution IS NULL',
    ),
    setPublished: database.prepare('UPDATE requests SET published = 1 WHERE id = ?'),
    putGrant: database.prepare(
      'INSERT INTO grants (id, decision, request, audience, call, issued_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    redeemGrant: database.prepare(
      'UPDATE grants SET redeemed_at = ? WHERE id = ? AND redeemed_at IS NULL',
    ),
    reportGrant: database.prepare(
      'UPDATE grants SET reported_at = ? WHERE id = ? AND redeemed_at IS NOT NULL AND reported_at IS NULL',
    ),
    putToken: database.prepare(
      'INSERT INTO tokens (project, token, subject, ciphertext) VALUES (?, ?, ?, ?) ON CONFLICT (project, token, subject) DO UPDATE SET ciphertext = excluded.ciphertext',
    ),
    putKey: database.prepare('INSERT INTO subject_keys (subject, wrapped) VALUES (?, ?)'),
    savepoint: database.prepare('SAVEPOINT nested'),
    release: database.prepare('RELEASE nested'),
  }
}

const FILTERS = {
  waiting: 'WHERE resolution IS NULL',
  resolved: 'WHERE resolution IS NOT NULL',
  unpublished: 'WHERE published = 0 AND (resolution IS NOT NULL OR pull IS NULL)',
  all: '',
} as const

function readings(database: DatabaseSync, wrappingKey: Uint8Array) {
  const columns = 'request, held_at, pull, resolution, published'
  const sql = {
    size: database.prepare('SELECT coalesce(max(idx) + 1, 0) AS size FROM decisions'),
    decision: database.prepare('SELECT * FROM decisions WHERE id = ?'),
    receipts: database.prepare('SELECT receipt FROM decisions WHERE idx >= ? ORDER BY idx LIMIT ?'),
    request: database.prepare(`SELECT ${columns} FROM requests WHERE id = ?`),
    requestOfDecision: database.prepare(`SELECT ${columns} FROM requests WHERE decision = ?`),
    key: database.prepare('SELECT wrapped FROM subject_keys WHERE subject = ?'),
    tokens: database.prepare(
      'SELECT * FROM tokens WHERE project = ? AND token = ? ORDER BY subject',
    ),
    grant: database.prepare('SELECT * FROM grants WHERE id = ?'),
    grantOfDecision: database.prepare('SELECT * FROM grants WHERE decision = ?'),
  }
  const sizeNow = () => Number(sql.size.get()?.['size'])
  return {
    sizeNow,
    size: async () => sizeNow(),
    decision: async (id: string): Promise<StoredDecision | null> => {
      const row = sql.decision.get(id)
      return row === undefined ? null : decisionOf(row)
    },
    receipts: async (from: number, limit: number) =>
      sql.receipts.all(from, limit).map((row) => bytes(row['receipt'])),
    tokens: async (project: string, token: string): Promise<readonly SealedToken[]> =>
      sql.tokens.all(project, token).map((row) => ({
        project,
        token,
        subject: String(row['subject']),
        ciphertext: bytes(row['ciphertext']),
      })),
    request: async (id: string) => requestOf(sql.request.get(id)),
    requestOfDecision: async (decision: string) => requestOf(sql.requestOfDecision.get(decision)),
    grant: async (id: string) => grantOf(sql.grant.get(id)),
    grantOfDecision: async (decision: string) => grantOf(sql.grantOfDecision.get(decision)),
    requests: async (filter: RequestFilter): Promise<readonly RequestRecord[]> =>
      database
        .prepare(
          `SELECT ${columns} FROM requests ${FILTERS[filter.state ?? 'all']} ORDER BY held_at`,
        )
        .all()
        .flatMap((row) => requestOf(row) ?? []),
    subjectKey: async (subject: string) => {
      const row = sql.key.get(subject)
      return row === undefined
        ? null
        : unseal(wrappingKey, bytes(row['wrapped']), `subject/${subject}`)
    },
  }
}

type Row = Record<string, unknown>

function decisionOf(row: Row): StoredDecision {
  return {
    index: Number(row['idx']),
    id: String(row['id']),
    at: Number(row['at']),
    agent: String(row['agent']),
    root: String(row['root']) as Digest,
    receipt: bytes(row['receipt']),
    inputs: { subject: String(row['subject']), ciphertext: bytes(row['inputs']) },
  }
}

function requestOf(row: Row | undefined): RequestRecord | null {
  if (row === undefined) return null
  const resolution = row['resolution']
  return {
    request: json(row['request']) as Request,
    heldAt: Number(row['held_at']),
    pull: row['pull'] === null ? null : Number(row['pull']),
    resolution: resolution === null ? null : (json(resolution) as ResolutionRecord),
    published: row['published'] === 1,
  }
}

function grantOf(row: Row | undefined): GrantRecord | null {
  if (row === undefined) return null
  const indexOf = (value: unknown) => (value === null ? null : Number(value))
  return {
    id: String(row['id']),
    decision: String(row['decision']),
    request: row['request'] === null ? null : String(row['request']),
    audience: String(row['audience']),
    call: json(row['call']) as JsonObject,
    issuedAt: Number(row['issued_at']),
    expiresAt: Number(row['expires_at']),
    redeemedAt: indexOf(row['redeemed_at']),
    reportedAt: indexOf(row['reported_at']),
  }
}

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new PolicyError('STORE_FAILED', 'the store holds a value of the wrong type')
}

/** What JSON.parse says itself quotes the value. */
function json(value: unknown): unknown {
  try {
    return JSON.parse(String(value))
  } catch {
    throw new PolicyError('STORE_FAILED', 'the store holds a value that is no JSON')
  }
}

function text(value: unknown): string {
  return Buffer.from(bytes(value)).toString('utf8')
}
