import type { DatabaseSync } from 'node:sqlite'
import type {
  CustodyReadings,
  CustodyTransaction,
  DeliveryState,
  EscrowRecord,
} from '../model/custody.ts'
import { json } from './store-rows.ts'

// Deliveries between agents, in the embedded store: what the log says of them, kept so that it can be asked.

export const CUSTODY_SCHEMA = `
CREATE TABLE IF NOT EXISTS deliveries (
  id TEXT PRIMARY KEY, at INTEGER NOT NULL, due INTEGER, state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_at ON deliveries (at);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS delivery_steps (
  delivery TEXT NOT NULL, step INTEGER NOT NULL, idx INTEGER NOT NULL UNIQUE, leaf TEXT NOT NULL, PRIMARY KEY (delivery, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery_decisions (decision TEXT PRIMARY KEY, delivery TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mandates (mandate TEXT PRIMARY KEY, delivery TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS escrows (
  decision TEXT PRIMARY KEY, permit TEXT UNIQUE, delivery TEXT, request TEXT UNIQUE, state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

type Row = Record<string, unknown>

export function custodyReadings(database: DatabaseSync): CustodyReadings {
  const sql = {
    delivery: database.prepare('SELECT state FROM deliveries WHERE id = ?'),
    deliveries: database.prepare(
      `SELECT state FROM deliveries WHERE state ->> '$.project' = ? AND EXISTS (SELECT 1 FROM json_each(?)
         WHERE value IN ('*', state ->> '$.giver', state ->> '$.holder', state ->> '$.to'))
       ORDER BY at DESC, id LIMIT ?`,
    ),
    steps: database.prepare(
      'SELECT step, idx, leaf FROM delivery_steps WHERE delivery = ? ORDER BY step',
    ),
    overdue: database.prepare('SELECT id FROM deliveries WHERE due <= ? ORDER BY due, id'),
    escrow: database.prepare('SELECT * FROM escrows WHERE decision = ? OR permit = ?'),
  }
  return {
    delivery: async (id) => stateOf(sql.delivery.get(id)),
    deliveries: async ({ project, agents }, limit) =>
      sql.deliveries
        .all(project, JSON.stringify(agents), limit)
        .flatMap((row) => stateOf(row) ?? []),
    deliverySteps: async (id) =>
      sql.steps.all(id).map(({ step, idx, leaf }) => {
        return { step: Number(step), index: Number(idx), leaf: String(leaf) }
      }),
    overdueDeliveries: async (now) => sql.overdue.all(now).map(({ id }) => String(id)),
    escrow: async (decision) => escrowOf(sql.escrow.get(decision, decision)),
  }
}

export function custodyTransaction(database: DatabaseSync): CustodyTransaction {
  const sql = {
    putDelivery: database.prepare(
      'INSERT INTO deliveries (id, at, due, state) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at, due = excluded.due, state = excluded.state',
    ),
    putStep: database.prepare(
      'INSERT INTO delivery_steps (delivery, step, idx, leaf) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    useDecision: database.prepare(
      'INSERT INTO delivery_decisions (decision, delivery) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    bindMandate: database.prepare(
      'INSERT INTO mandates (mandate, delivery) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    mandate: database.prepare('SELECT delivery FROM mandates WHERE mandate = ?'),
    escrowOfRequest: database.prepare('SELECT * FROM escrows WHERE request = ?'),
    putEscrow: database.prepare(
      'INSERT INTO escrows (decision, permit, delivery, request, state) VALUES (?, ?, ?, ?, ?) ON CONFLICT (decision) DO UPDATE SET permit = excluded.permit, delivery = excluded.delivery, request = excluded.request, state = excluded.state',
    ),
  }
  return {
    ...custodyReadings(database),
    putDelivery: async (state) => {
      sql.putDelivery.run(state.delivery, state.at, state.deadline, JSON.stringify(state))
    },
    putDeliveryStep: async (delivery, { step, index, leaf }) =>
      sql.putStep.run(delivery, step, index, leaf).changes === 1,
    useDecision: async (decision, delivery) =>
      sql.useDecision.run(decision, delivery).changes === 1,
    bindMandate: async (mandate, delivery) => {
      sql.bindMandate.run(mandate, delivery)
      return sql.mandate.get(mandate)?.['delivery'] === delivery
    },
    escrowOfRequest: async (request) => escrowOf(sql.escrowOfRequest.get(request)),
    putEscrow: async ({ decision, permit, delivery, request, state }) => {
      sql.putEscrow.run(decision, permit, delivery, request, state)
    },
  }
}

function stateOf(row: Row | undefined): DeliveryState | null {
  return row === undefined ? null : (json(row['state']) as DeliveryState)
}

function escrowOf(row: Row | undefined): EscrowRecord | null {
  if (row === undefined) return null
  const textOrNull = (value: unknown) => (value === null ? null : String(value))
  return {
    decision: String(row['decision']),
    permit: textOrNull(row['permit']),
    delivery: textOrNull(row['delivery']),
    request: textOrNull(row['request']),
    state: String(row['state']) as EscrowRecord['state'],
  }
}
