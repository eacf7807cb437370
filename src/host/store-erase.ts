import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../base/errors.ts'
import { RETENTION_ROUND_MAX } from '../base/limits.ts'
import type { ErasingTransaction, ErasureTarget } from '../model/erasing.ts'
import type { Request, ShownField } from '../model/generated/types.ts'
import { bytes, json, text } from './store-rows.ts'

/** Makes what erasing needs; in the transaction that opens the store. */
export function migrateErasing(database: DatabaseSync): void {
  database.exec(SCHEMA)
  const isThere = database
    .prepare("SELECT 1 FROM pragma_table_info('tokens') WHERE name = 'at'")
    .get()
  if (isThere !== undefined) return
  // Of tokens that an older version kept nobody knows when; the subject's last action is late enough.
  database.exec(`
    ALTER TABLE tokens ADD COLUMN at INTEGER;
    UPDATE tokens SET at = (SELECT max(d.at) FROM decisions d WHERE ${ofSubject('tokens.subject')})`)
}

/** What a transaction can erase. */
export function erasings(database: DatabaseSync): ErasingTransaction {
  // Prepared when they are wanted: few processes ever erase.
  const run = (sql: string, ...values: readonly (string | number)[]) =>
    database.prepare(sql).run(...values)
  const rows = (sql: string, ...values: readonly (string | number)[]) =>
    database.prepare(sql).all(...values)
  const count = (sql: string, ...values: readonly (string | number)[]) =>
    Number(database.prepare(sql).get(...values)?.['count'])

  return {
    waitingFor: async (target) => {
      if (target.scope === 'retention') return []
      choose(database, target)
      return rows(WAITING).map(({ id }) => String(id))
    },
    erasable: async (target) => {
      choose(database, target)
      const [found] = rows('SELECT count(*) AS decisions, max(idx) AS through FROM temp.chosen')
      const keyed =
        target.scope === 'subject' &&
        target.before === undefined &&
        rows('SELECT 1 FROM subject_keys WHERE subject = ?', target.subject).length > 0
      return {
        decisions: Number(found?.['decisions']),
        through: found?.['through'] == null ? null : Number(found['through']),
        tokens: count('SELECT count(*) AS count FROM temp.chosen_tokens'),
        keyed,
      }
    },
    erase: async (target, erasure, rewrite) => {
      choose(database, target)
      // Asked before they go: keys that may have nothing left to open.
      run('DELETE FROM temp.touched')
      run(
        `INSERT OR IGNORE INTO temp.touched SELECT subject FROM decisions WHERE idx IN (${CHOSEN})`,
      )
      run('INSERT OR IGNORE INTO temp.touched SELECT subject FROM temp.chosen_tokens')
      if (target.scope === 'subject') {
        run('INSERT OR IGNORE INTO temp.touched VALUES (?)', target.subject)
      }
      run('INSERT INTO erased (idx, erasure) SELECT idx, ? FROM temp.chosen', erasure)
      run(`UPDATE decisions SET inputs = x'' WHERE idx IN (${CHOSEN})`)
      const first = firstSealed(database)
      run(
        `INSERT INTO meta (key, value) VALUES ('first_sealed', CAST(? AS BLOB))
         ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        String(Math.min(first, erasure)),
      )
      run(DELETE_TOKENS)
      run(DELETE_KEYS)
      mask(database, `e.idx IN (${CHOSEN})`)
      askForScrub(database, rewrite ? REWRITE : CHECKPOINT)
    },
  }
}

/**
 * Takes the values that routes had shown out of a request, and out of those of a batch, whose inputs were erased while the
 * forge had not been told yet how it ended.
 */
export function maskPublished(database: DatabaseSync, id: string): void {
  const where = 'r.id = ?1 OR r.id IN (SELECT request FROM gathered WHERE batch = ?1)'
  if (mask(database, `(${where})`, id)) askForScrub(database, CHECKPOINT)
}

/** Log index of the erasure that took the inputs of a receipt. */
export function erasureOf(database: DatabaseSync): (index: number) => Promise<number | null> {
  const sql = database.prepare('SELECT erasure FROM erased WHERE idx = ?')
  return async (index) => {
    const row = sql.get(index)
    return row === undefined ? null : Number(row['erasure'])
  }
}

/**
 * Overwrites what erasures have deleted, if something was. Deleted records are overwritten by SQLite itself
 * (`secure_delete`), but older copies of their pages lie in the write-ahead log, and records that moved to another page
 * may have left theirs behind.
 *
 * @throws {PolicyError} STORE_FAILED (retryable)
 */
export async function scrubFiles(database: DatabaseSync): Promise<boolean> {
  const asked = database.prepare("SELECT value FROM meta WHERE key = 'scrub'")
  // Only what was seen is done with: another process may have erased meanwhile.
  const done = database.prepare("DELETE FROM meta WHERE key = 'scrub' AND value = ?")
  for (let isDue = false; ; isDue = true) {
    const due = asked.get()?.['value']
    if (due === undefined) return isDue
    if (text(due).startsWith(REWRITE)) await untilFree(() => database.exec('VACUUM'))
    await untilFree(() => truncate(database))
    await untilFree(() => done.run(bytes(due)))
  }
}

/** Asks for a scrub, in the transaction that makes it due. What asks to write all anew is not taken back. */
function askForScrub(database: DatabaseSync, how: typeof REWRITE | typeof CHECKPOINT): void {
  database
    .prepare(
      `INSERT INTO meta (key, value) VALUES ('scrub', CAST(?1 || ' ' || hex(randomblob(16)) AS BLOB))
       ON CONFLICT (key) DO UPDATE SET value = CAST(
         iif(CAST(value AS TEXT) LIKE '${REWRITE} %', '${REWRITE} ' || hex(randomblob(16)), CAST(excluded.value AS TEXT))
         AS BLOB)`,
    )
    .run(how)
}

const REWRITE = 'rewrite'
const CHECKPOINT = 'checkpoint'

const SCHEMA = `
-- Receipts that lost their inputs, and the receipt that says so.
CREATE TABLE IF NOT EXISTS erased (idx INTEGER PRIMARY KEY, erasure INTEGER NOT NULL) STRICT;
-- Of a few letters: every decision pays for it, and few processes ever erase.
CREATE INDEX IF NOT EXISTS decisions_subject ON decisions (substr(subject, 1, 8));
`

const CHOSEN = 'SELECT idx FROM temp.chosen'

/** Decisions `d` of a subject, by the index. */
function ofSubject(subject: string): string {
  return `substr(d.subject, 1, 8) = substr(${subject}, 1, 8) AND d.subject = ${subject}`
}

/** Puts what a target is into two tables that last as long as the connection. */
function choose(database: DatabaseSync, target: ErasureTarget): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS temp.chosen (idx INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS temp.chosen_tokens (
      project TEXT NOT NULL, token TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (project, token, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS temp.touched (subject TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    DELETE FROM temp.chosen; DELETE FROM temp.chosen_tokens`)
  const pick = (sql: string, ...values: readonly (string | number)[]) =>
    database.prepare(`INSERT OR IGNORE INTO temp.${sql}`).run(...values)
  const tokens = 'chosen_tokens SELECT project, token, subject FROM tokens WHERE'
  if (target.scope === 'subject') {
    const { subject, before = Number.MAX_SAFE_INTEGER } = target
    pick(
      `chosen SELECT idx FROM decisions d WHERE length(inputs) > 0 AND ${ofSubject('?1')} AND at < ?2`,
      subject,
      before,
    )
    pick(`${tokens} subject = ? AND coalesce(at, 0) < ?`, subject, before)
  } else if (target.scope === 'decision') {
    for (const id of familyOf(database, target.decision)) {
      pick('chosen SELECT idx FROM decisions WHERE length(inputs) > 0 AND id = ?', id)
    }
  } else {
    const { inputsBefore, tokensBefore } = target
    if (inputsBefore !== null) chooseOld(database, inputsBefore)
    if (tokensBefore !== null) {
      pick(`${tokens} at < ? ORDER BY at LIMIT ?`, tokensBefore, RETENTION_ROUND_MAX)
    }
  }
}

/** The oldest decisions whose inputs are older than this, of those that no request waits for. */
function chooseOld(database: DatabaseSync, before: number): void {
  const page = database.prepare(PAGE)
  const choose = database.prepare('INSERT INTO temp.chosen VALUES (?)')
  let left = RETENTION_ROUND_MAX
  for (let from = firstSealed(database); left > 0; from += PAGE_ROWS) {
    const found = page.all(from, from + PAGE_ROWS)
    // In the order of time, but for clocks that were set.
    if (!found.some(({ at }) => Number(at) < before)) return
    for (const { idx, at, free } of found) {
      if (left === 0) break
      if (Number(at) >= before || free !== 1) continue
      choose.run(Number(idx))
      left -= 1
    }
  }
}

const PAGE_ROWS = 1_000

// What a delivery holds, until its outcome lets it go or people are asked about it.
const IN_DELIVERY = "e.state = 'held' AND e.delivery IS NOT NULL"

const PAGE = `
  SELECT idx, at, length(inputs) > 0 AND NOT EXISTS (
    SELECT 1 FROM requests r WHERE r.decision = d.id AND r.resolution IS NULL) AND NOT EXISTS (
    SELECT 1 FROM escrows e WHERE (e.decision = d.id OR e.permit = d.id) AND ${IN_DELIVERY}) AS free
  FROM decisions d WHERE idx >= ? AND idx < ? ORDER BY idx`

/** Below this index no inputs are left: remembered, so that no round looks at what is gone long since. */
function firstSealed(database: DatabaseSync): number {
  const kept = database.prepare("SELECT value FROM meta WHERE key = 'first_sealed'").get()
  const row = database
    .prepare('SELECT idx FROM decisions WHERE idx >= ? AND length(inputs) > 0 ORDER BY idx LIMIT 1')
    .get(kept === undefined ? 0 : Number(text(kept['value'])))
  return row === undefined ? Number.MAX_SAFE_INTEGER - PAGE_ROWS : Number(row['idx'])
}

/**
 * A decision, how its request ended, what was asked anew in its place or about it in escrow, executions, and a handoff that
 * it allowed, with its mandates: all hold the same action.
 */
function familyOf(database: DatabaseSync, decision: string): ReadonlySet<string> {
  const related = database.prepare(RELATED)
  const family = new Set<string>()
  const open = [decision]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (family.has(id)) continue
    family.add(id)
    for (const row of related.all(id)) {
      if (row['id'] !== null) open.push(String(row['id']))
    }
  }
  return family
}

const RELATED = `
  SELECT resolution ->> '$.record' AS id FROM requests WHERE decision = ?1
  UNION SELECT n.decision FROM requests r JOIN requests n ON n.id = r.resolution ->> '$.next' WHERE r.decision = ?1
  UNION SELECT r.decision FROM requests n JOIN requests r ON r.resolution ->> '$.next' = n.id WHERE n.decision = ?1
  UNION SELECT decision FROM requests WHERE resolution ->> '$.record' = ?1
  UNION SELECT r.decision FROM escrows e JOIN requests r ON r.id = e.request WHERE e.decision = ?1
  UNION SELECT e.decision FROM requests r JOIN escrows e ON e.request = r.id WHERE r.decision = ?1
  UNION SELECT d.id FROM delivery_decisions w JOIN delivery_steps s ON s.delivery = w.delivery
    JOIN decisions d ON d.idx = s.idx
    WHERE w.decision = ?1 AND CAST(d.receipt AS TEXT) ->> '$.predicate.step.decision' = ?1
  UNION SELECT d.id FROM grants g JOIN decisions d ON d.idx IN (g.redeemed_at, g.reported_at) WHERE g.decision = ?1
  UNION SELECT g.decision FROM decisions d JOIN grants g ON d.idx IN (g.redeemed_at, g.reported_at) WHERE d.id = ?1`

const WAITING = `
  SELECT r.id, r.held_at AS since FROM requests r JOIN decisions d ON d.id = r.decision
  JOIN temp.chosen c ON c.idx = d.idx WHERE r.resolution IS NULL
  UNION SELECT e.delivery, min(d.idx) FROM temp.chosen c JOIN decisions d ON d.idx = c.idx
  JOIN escrows e ON (e.decision = d.id OR e.permit = d.id) WHERE ${IN_DELIVERY} GROUP BY e.delivery
  ORDER BY since`

const DELETE_TOKENS = `
  DELETE FROM tokens WHERE (project, token, subject) IN (SELECT project, token, subject FROM temp.chosen_tokens)`

const DELETE_KEYS = `
  DELETE FROM subject_keys WHERE subject IN (SELECT subject FROM temp.touched)
    AND NOT EXISTS (
      SELECT 1 FROM decisions d WHERE ${ofSubject('subject_keys.subject')} AND length(d.inputs) > 0)
    AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.subject = subject_keys.subject)`

/**
 * Masks what was shown of requests whose inputs are gone, and in batches of these. What the forge has not been told yet is
 * compared with what it shows, and stays as it was.
 *
 * @returns whether there was something
 */
function mask(database: DatabaseSync, where: string, ...values: readonly string[]): boolean {
  const gone = `requests r JOIN decisions d ON d.id = r.decision JOIN erased e ON e.idx = d.idx`
  const alone = `SELECT r.id, r.request, '[]' AS gone FROM ${gone} WHERE r.published = 1 AND ${where}`
  const batches = `
    SELECT b.id, b.request, json_group_array(r.id) AS gone FROM ${gone}
    JOIN gathered g ON g.request = r.id JOIN requests b ON b.id = g.batch
    WHERE b.published = 1 AND ${where} GROUP BY b.id`
  const found = [alone, batches].flatMap((sql) => database.prepare(sql).all(...values))
  const put = database.prepare('UPDATE requests SET request = ? WHERE id = ?')
  for (const row of found) {
    const ids = new Set(json(row['gone']) as readonly string[])
    const masked = maskShown(json(row['request']) as Request, ids)
    put.run(JSON.stringify(masked), String(row['id']))
  }
  return found.length > 0
}

/** A request without the values that routes had shown; of a batch, without those of some of its requests. */
function maskShown(request: Request, gone: ReadonlySet<string>): Request {
  const { fields, members } = request
  return {
    ...request,
    ...(members === undefined ? { fields: fields.map(maskField) } : {}),
    ...(members === undefined
      ? {}
      : {
          members: members.map((one) =>
            gone.has(one.request) ? { ...one, fields: one.fields.map(maskField) } : one,
          ),
        }),
  }
}

function maskField(field: ShownField): ShownField {
  const { pointer, shown, value } = field
  // The entry without a pointer counts what was left out.
  if (shown !== 'clear' || pointer === '') return field
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return { pointer, shown: 'masked', type }
}

function truncate(database: DatabaseSync): boolean {
  return database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0
}

/** @param work - gives false, or throws that the store is busy, while another process is in the way */
async function untilFree(work: () => unknown): Promise<void> {
  const deadline = performance.now() + FREE_MS_MAX
  while (!isDone(work)) {
    if (performance.now() > deadline) {
      throw new PolicyError(
        'STORE_FAILED',
        'what was erased could not be overwritten yet, since another process uses the store: the next run does it, or an engine within the hour',
        { retryable: true },
      )
    }
    await sleep(20)
  }
}

const FREE_MS_MAX = 30_000

function isDone(work: () => unknown): boolean {
  try {
    return work() !== false
  } catch (error) {
    if (isBusy(error)) return false
    throw new PolicyError('STORE_FAILED', 'what was erased could not be overwritten', {
      cause: error,
      retryable: true,
    })
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && [5, 6].includes(Number(error.errcode) & 0xff)
  ) // SQLITE_BUSY, SQLITE_LOCKED
}
