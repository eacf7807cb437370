import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../base/errors.ts'
import type { JsonValue } from '../base/json-value.ts'
import type { StateEntry, StateSlice } from '../model/nouns.ts'
import type {
  NewDecision,
  RequestFilter,
  RequestRecord,
  SealedToken,
  Store,
  StoredDecision,
  StoreTransaction,
} from '../model/ports.ts'
import { seal, unseal } from './seal.ts'
import { BUSY_DEADLINE_MS, connect, connectReadOnly, isReadOnly } from './store-connection.ts'
import { custodyReadings, custodyTransaction } from './store-custody.ts'
import { erasings, erasureOf, maskPublished, migrateErasing, scrubFiles } from './store-erase.ts'
import {
  bytes,
  decisionOf,
  grantOf,
  json,
  lookOf,
  requestOf,
  text,
  unfinishedOf,
} from './store-rows.ts'
import { SCHEMA } from './store-schema.ts'

/**
 * The embedded store: one SQLite file in WAL mode with synchronous commits, through Node's own binding. Several
 * processes may open it; units of work run one after another over all of them. On a disk that takes no writes it can be
 * read, and each unit of work fails.
 *
 * @param wrappingKey - 32 bytes; wraps the data keys of subjects
 * @throws {PolicyError} STORE_NEWER_FORMAT, STORE_KEY_MISMATCH, STORE_FAILED
 */
export function openSqliteStore(file: string, wrappingKey: Uint8Array): Store {
  if (isReadOnly(file)) return openReadOnly(file, wrappingKey)
  const writer = connect(file)
  migrate(writer, wrappingKey)
  // Reads outside a unit of work must not see a unit that is still open, so they have a connection of their own.
  const reader = connect(file)
  const turn = queue()
  const tx = transaction(writer, wrappingKey)
  const read = readings(reader, wrappingKey)
  return {
    ...read,
    custody: custodyReadings(reader),
    transact: (work) => turn(() => unit(writer, () => work(tx), 'COMMIT')),
    exclusively: (work) => turn(() => unit(writer, work, 'ROLLBACK')),
    erasedBy: erasureOf(reader),
    scrub: () => turn(() => scrubFiles(writer)),
    close: () =>
      turn(async () => {
        if (reader.isOpen) reader.close()
        if (writer.isOpen) writer.close()
      }),
  }
}

function openReadOnly(file: string, wrappingKey: Uint8Array): Store {
  const reader = connectReadOnly(file)
  const refuse = (): Promise<never> => {
    const message = 'the store lies where nothing can be written'
    return Promise.reject(new PolicyError('STORE_FAILED', message, { file }))
  }
  try {
    return {
      ...readings(reader, wrappingKey),
      custody: custodyReadings(reader),
      transact: refuse,
      exclusively: refuse,
      erasedBy: erasureOf(reader),
      scrub: refuse,
      close: async () => {
        if (reader.isOpen) reader.close()
      },
    }
  } catch (cause) {
    // It lacks tables that opening it makes where that can write.
    reader.close()
    const message =
      'an older version made this store: open a copy of its folder on a disk that takes writes'
    throw new PolicyError('STORE_FAILED', message, { cause, file })
  }
}

const FORMAT = 1
const BUSY_MS = 50 // SQLite blocks the thread while it waits, so it waits briefly and we come back.

function migrate(database: DatabaseSync, wrappingKey: Uint8Array): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(SCHEMA)
    migrateErasing(database)
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
    ...erasings(database),
    ...requestWrites(database, sql, read),
    ...ledgers(sql, read),
    custody: custodyTransaction(database),
  }
}

function requestWrites(
  database: DatabaseSync,
  sql: ReturnType<typeof writes>,
  read: ReturnType<typeof readings>,
): Pick<
  StoreTransaction,
  | 'putRequest'
  | 'putBatch'
  | 'setAlone'
  | 'members'
  | 'waitingRequests'
  | 'request'
  | 'requestOfDecision'
  | 'setPull'
  | 'setLook'
  | 'putNotice'
  | 'resolve'
  | 'setPublished'
> {
  return {
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
    putBatch: async (batch, heldAt) => {
      const ids = (batch.members ?? []).map(({ request }) => request)
      if (!ids.every((id) => sql.free.get(id) !== undefined)) return false
      const text = JSON.stringify(batch)
      sql.putRequest.run(batch.id, batch.agent, batch.decision, batch.nonce, text, heldAt)
      for (const id of ids) sql.gather.run(id, batch.id)
      sql.gather.run(batch.id, null)
      return true
    },
    setAlone: async (id) => {
      sql.gatherOnce.run(id)
      return sql.gathered.get(id)?.['batch'] === null
    },
    members: read.members,
    waitingRequests: async (agent) => Number(sql.waiting.get(agent)?.['waiting']),
    request: read.request,
    requestOfDecision: read.requestOfDecision,
    setPull: async (id, pull) => sql.setPull.run(pull, id).changes === 1,
    setLook: async (id, { mark, at, due }) => {
      sql.setLook.run(id, mark, at, due)
    },
    putNotice: async (id, key) => sql.putNotice.run(id, key).changes === 1,
    resolve: async (id, resolution) =>
      sql.resolve.run(JSON.stringify(resolution), id).changes === 1,
    setPublished: async (id) => {
      sql.setPublished.run(id, id)
      sql.dropLook.run(id)
      maskPublished(database, id)
    },
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
    putToken: async ({ project, token, subject, ciphertext }, at) => {
      sql.putToken.run(project, token, subject, ciphertext, at)
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
      'SELECT count(*) AS waiting FROM requests WHERE agent = ? AND resolution IS NULL AND id NOT IN (SELECT batch FROM gathered WHERE batch IS NOT NULL)',
    ),
    free: database.prepare(
      'SELECT 1 FROM requests r LEFT JOIN gathered g ON g.request = r.id WHERE r.id = ? AND r.pull IS NULL AND r.resolution IS NULL AND g.request IS NULL',
    ),
    gather: database.prepare('INSERT INTO gathered (request, batch) VALUES (?, ?)'),
    gatherOnce: database.prepare(
      'INSERT INTO gathered (request, batch) VALUES (?, NULL) ON CONFLICT DO NOTHING',
    ),
    gathered: database.prepare('SELECT batch FROM gathered WHERE request = ?'),
    setPull: database.prepare('UPDATE requests SET pull = ? WHERE id = ? AND pull IS NULL'),
    resolve: database.prepare(
      'UPDATE requests SET resolution = ? WHERE id = ? AND resolution IS NULL',
    ),
    setLook: database.prepare(
      'INSERT INTO looks (request, mark, at, due) VALUES (?, ?, ?, ?) ON CONFLICT (request) DO UPDATE SET mark = excluded.mark, at = excluded.at, due = excluded.due',
    ),
    dropLook: database.prepare('DELETE FROM looks WHERE request = ?'),
    putNotice: database.prepare(
      'INSERT INTO notices (request, key) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    setPublished: database.prepare(
      'UPDATE requests SET published = 1 WHERE id = ? OR id IN (SELECT request FROM gathered WHERE batch = ?)',
    ),
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
      'INSERT INTO tokens (project, token, subject, ciphertext, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (project, token, subject) DO UPDATE SET ciphertext = excluded.ciphertext, at = excluded.at',
    ),
    putKey: database.prepare('INSERT INTO subject_keys (subject, wrapped) VALUES (?, ?)'),
    savepoint: database.prepare('SAVEPOINT nested'),
    release: database.prepare('RELEASE nested'),
  }
}

const FILTERS = {
  waiting: 'WHERE r.resolution IS NULL',
  resolved: 'WHERE r.resolution IS NOT NULL',
  unpublished:
    'WHERE r.published = 0 AND (r.resolution IS NOT NULL OR r.pull IS NULL) AND g.batch IS NULL',
  all: '',
} as const

// A request that is reviewed in a batch has the batch's pull request.
const REQUESTS =
  'SELECT r.request, r.held_at, coalesce(r.pull, b.pull) AS pull, r.resolution, r.published, g.batch FROM requests r LEFT JOIN gathered g ON g.request = r.id LEFT JOIN requests b ON b.id = g.batch'

function requestQueries(database: DatabaseSync) {
  return {
    request: database.prepare(`${REQUESTS} WHERE r.id = ?`),
    requestOfDecision: database.prepare(`${REQUESTS} WHERE r.decision = ?`),
    requestOfPull: database.prepare(`${REQUESTS} WHERE r.pull = ?`),
    members: database.prepare(`${REQUESTS} WHERE g.batch = ? ORDER BY r.held_at`),
    ungathered: database.prepare(
      `${REQUESTS} WHERE r.published = 0 AND r.pull IS NULL AND r.resolution IS NULL AND g.request IS NULL ORDER BY r.held_at`,
    ),
    unfinished: database.prepare(
      'SELECT r.id, coalesce(r.pull, b.pull) AS pull, r.resolution IS NOT NULL AS ended, g.batch, l.mark, l.at, l.due FROM requests r LEFT JOIN gathered g ON g.request = r.id LEFT JOIN requests b ON b.id = g.batch LEFT JOIN looks l ON l.request = r.id WHERE r.published = 0 ORDER BY r.held_at',
    ),
    ratifications: database.prepare(
      `${REQUESTS} WHERE r.agent = ? AND r.request ->> '$.ratifies' IS NOT NULL ORDER BY r.held_at`,
    ),
  }
}

function readings(database: DatabaseSync, wrappingKey: Uint8Array) {
  const sql = {
    ...requestQueries(database),
    size: database.prepare('SELECT coalesce(max(idx) + 1, 0) AS size FROM decisions'),
    decision: database.prepare('SELECT * FROM decisions WHERE id = ?'),
    receipts: database.prepare('SELECT receipt FROM decisions WHERE idx >= ? ORDER BY idx LIMIT ?'),
    look: database.prepare('SELECT mark, at, due FROM looks WHERE request = ?'),
    notices: database.prepare('SELECT key FROM notices WHERE request = ?'),
    key: database.prepare('SELECT wrapped FROM subject_keys WHERE subject = ?'),
    tokens: database.prepare(
      'SELECT * FROM tokens WHERE project = ? AND token = ? ORDER BY subject',
    ),
    grant: database.prepare('SELECT * FROM grants WHERE id = ?'),
    grantOfDecision: database.prepare('SELECT * FROM grants WHERE decision = ?'),
  }
  const sizeNow = () => Number(sql.size.get()?.['size'])
  const listOf = (rows: readonly Record<string, unknown>[]): readonly RequestRecord[] =>
    rows.flatMap((row) => requestOf(row) ?? [])
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
    requestOfPull: async (pull: number) => requestOf(sql.requestOfPull.get(pull)),
    members: async (batch: string) => listOf(sql.members.all(batch)),
    ungathered: async () => listOf(sql.ungathered.all()),
    unfinished: async () => sql.unfinished.all().map(unfinishedOf),
    look: async (id: string) => lookOf(sql.look.get(id)),
    notices: async (id: string) => sql.notices.all(id).map(({ key }) => String(key)),
    ratifications: async (agent: string) => listOf(sql.ratifications.all(agent)),
    grant: async (id: string) => grantOf(sql.grant.get(id)),
    grantOfDecision: async (decision: string) => grantOf(sql.grantOfDecision.get(decision)),
    requests: async (filter: RequestFilter) =>
      listOf(
        database.prepare(`${REQUESTS} ${FILTERS[filter.state ?? 'all']} ORDER BY r.held_at`).all(),
      ),
    subjectKey: async (subject: string) => {
      const row = sql.key.get(subject)
      return row === undefined
        ? null
        : unseal(wrappingKey, bytes(row['wrapped']), `subject/${subject}`)
    },
  }
}
