import type { Digest } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import type { Request } from '../model/generated/types.ts'
import type {
  GrantRecord,
  RequestLook,
  RequestRecord,
  ResolutionRecord,
  StoredDecision,
  UnfinishedRequest,
} from '../model/ports.ts'

type Row = Record<string, unknown>

export function decisionOf(row: Row): StoredDecision {
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

export function requestOf(row: Row | undefined): RequestRecord | null {
  if (row === undefined) return null
  const resolution = row['resolution']
  return {
    request: json(row['request']) as Request,
    heldAt: Number(row['held_at']),
    pull: row['pull'] === null ? null : Number(row['pull']),
    resolution: resolution === null ? null : (json(resolution) as ResolutionRecord),
    published: row['published'] === 1,
    ...(row['batch'] == null ? {} : { batch: String(row['batch']) }),
  }
}

export function unfinishedOf(row: Row): UnfinishedRequest {
  const { id, pull, ended, batch } = row
  return {
    id: String(id),
    pull: pull === null ? null : Number(pull),
    ended: ended === 1,
    batch: batch === null ? null : String(batch),
    look: lookOf(row),
  }
}

export function lookOf(row: Row | undefined): RequestLook | null {
  if (row === undefined || row['at'] === null) return null
  const { mark, at, due } = row
  return { mark: mark === null ? null : String(mark), at: Number(at), due: Number(due) }
}

export function grantOf(row: Row | undefined): GrantRecord | null {
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

export function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new PolicyError('STORE_FAILED', 'the store holds a value of the wrong type')
}

/** What JSON.parse says itself quotes the value. */
export function json(value: unknown): unknown {
  try {
    return JSON.parse(String(value))
  } catch {
    throw new PolicyError('STORE_FAILED', 'the store holds a value that is no JSON')
  }
}

export function text(value: unknown): string {
  return Buffer.from(bytes(value)).toString('utf8')
}
