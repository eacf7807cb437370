import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Pull } from '../../model/ports.ts'
import type { GitObject } from '../git.ts'

export function headRef(number: number): string {
  return `refs/pull/${checkNumber(number)}/head`
}

export function metaRef(number: number): string {
  return `refs/pull/${checkNumber(number)}/meta`
}

export function branchRef(id: string): string {
  return `refs/heads/requests/${id}`
}

export function indexRef(id: string): string {
  return `refs/countersign/requests/${id}`
}

/** `pull.json`: what the forge itself knows of a pull request. */
export type Meta = {
  readonly number: number
  readonly request: string
  readonly state: Pull['state']
  readonly title: string
  readonly author: string
  readonly base: string
  readonly base_sha: string
  readonly opened_at: string
}

/** @param expected - the number under whose ref it stands */
export function parseMeta(object: GitObject, expected?: number): Meta {
  const value = parseObject(object)
  const { number, request, state, title, author, base, base_sha, opened_at } = value
  const texts = [title, author, base, base_sha, opened_at].every((text) => typeof text === 'string')
  if (!texts || typeof request !== 'string' || typeof number !== 'number')
    throw tampered('pull.json')
  if (state !== 'open' && state !== 'merged' && state !== 'closed') throw tampered('pull.json')
  checkNumber(number)
  if (expected !== undefined && number !== expected) throw tampered('pull.json')
  checkRequestId(request)
  return value as unknown as Meta
}

export function parseObject({ content }: GitObject): JsonObject {
  let value: JsonValue
  try {
    value = parseJsonBytes(content)
  } catch (cause) {
    throw tampered('a file that is no strict JSON', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw tampered('a file that is no JSON object')
  }
  return value as JsonObject
}

export const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/

export function checkRequestId(id: string): void {
  if (!isRequestId(id)) throw tampered('a request id')
}

export function isRequestId(id: string): boolean {
  return /^req_[0-9a-z]{20,40}$/.test(id)
}

export function checkNumber(number: number): number {
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new PolicyError('REQUEST_UNKNOWN', 'expected the number of a pull request')
}

export function pullUnknown(number: number): PolicyError {
  return new PolicyError('REQUEST_UNKNOWN', `the forge has no pull request ${number}`)
}

export function baseMissing(base: string): PolicyError {
  return new PolicyError('GIT_FAILED', `the forge has no branch '${base}'; see forge.base`)
}

export function tampered(what: string, cause?: unknown): PolicyError {
  return new PolicyError('REQUEST_TAMPERED', `not as the forge writes it: ${what}`, { cause })
}
