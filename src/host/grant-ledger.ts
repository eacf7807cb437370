import { DatabaseSync } from 'node:sqlite'
import { PolicyError } from '../base/errors.ts'
import type { GrantLedger } from '../model/ports.ts'

/**
 * A ledger of used grants in an SQLite file, for a tool that restarts or runs in several processes. What it has taken is
 * on disk when `use` returns.
 *
 * @throws {PolicyError} STORE_FAILED when the file cannot be opened; `use` then and later: the grant is not taken
 */
export function openSqliteLedger(file: string): GrantLedger & { close(): void } {
  const database = connect(file)
  const sql = {
    forgotten: database.prepare('SELECT until FROM forgotten'),
    forget: database.prepare('DELETE FROM used WHERE until < ?'),
    setForgotten: database.prepare('UPDATE forgotten SET until = max(until, ?)'),
    use: database.prepare('INSERT INTO used (id, until) VALUES (?, ?) ON CONFLICT DO NOTHING'),
  }
  const take = (id: string, until: number, now: number): boolean => {
    sql.setForgotten.run(now)
    sql.forget.run(now)
    // A grant that ended before what was forgotten may have been used: the clock went back.
    if (until < Number(sql.forgotten.get()?.['until'])) return false
    return sql.use.run(id, until).changes === 1
  }
  return {
    use(id, until, now) {
      try {
        database.exec('BEGIN IMMEDIATE')
        const taken = take(id, until, now)
        database.exec('COMMIT')
        return taken
      } catch (cause) {
        if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
        throw failed(file, 'the ledger could not be written', cause)
      }
    },
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

const BUSY_MS = 5_000

const SCHEMA = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS used (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_until ON used (until);
CREATE TABLE IF NOT EXISTS forgotten (one INTEGER PRIMARY KEY CHECK (one = 1), until INTEGER NOT NULL) STRICT;
INSERT INTO forgotten (one, until) VALUES (1, 0) ON CONFLICT DO NOTHING;
`

function connect(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: BUSY_MS })
    database.exec(SCHEMA)
    return database
  } catch (cause) {
    throw failed(file, `cannot open the ledger ${file}`, cause)
  }
}

function failed(file: string, message: string, cause: unknown): PolicyError {
  return new PolicyError('STORE_FAILED', message, { file, cause })
}
