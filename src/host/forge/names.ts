import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { ForgeReview } from '../../model/ports.ts'
import { textAt } from './answer.ts'

const BRANCH_PREFIX = 'countersign/'

/** The branch of a request's pull request. @throws {PolicyError} REQUEST_TAMPERED */
export function branchOf(id: string): string {
  if (!REQUEST_ID.test(id)) throw tampered('a request id')
  return `${BRANCH_PREFIX}${id}`
}

/** The request whose branch it is; null for any other branch. */
export function requestOfBranch(branch: string): string | null {
  const id = branch.startsWith(BRANCH_PREFIX) ? branch.slice(BRANCH_PREFIX.length) : ''
  return REQUEST_ID.test(id) ? id : null
}

/** Where a request lies in the approvals repository. */
export function folderOf(id: string): string {
  return `requests/${id}`
}

/** The request that a path is the file of; null for any other path. */
export function requestOfPath(path: string): string | null {
  const id = /^requests\/([^/]+)\/request\.json$/.exec(path)?.[1] ?? ''
  return REQUEST_ID.test(id) ? id : null
}

const REQUEST_ID = /^req_[0-9a-z]{20,40}$/

/** RFC 8785 order, indented for people, and a line feed. */
export function prettyJson(value: object): string {
  const sorted: unknown = JSON.parse(canonicalize(value as JsonObject))
  return `${JSON.stringify(sorted, null, 2)}\n`
}

/** A text of at most so many UTF-16 code units. */
export function cut(text: string, lengthMax: number): string {
  return text.length > lengthMax ? `${text.slice(0, lengthMax - 1).toWellFormed()}…` : text
}

export const TITLE_LENGTH_MAX = 256
export const BODY_LENGTH_MAX = 65_536

/** The id of a commit or a blob. @throws {PolicyError} REQUEST_TAMPERED, FORGE_UNREACHABLE */
export function oidAt(value: unknown, ...path: readonly string[]): string {
  const oid = textAt(value, ...path)
  if (isOid(oid)) return oid
  throw tampered(`${path.join('.')} is no commit`)
}

export function isOid(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}

/** @throws {PolicyError} REQUEST_UNKNOWN */
export function checkNumber(number: number): void {
  if (Number.isSafeInteger(number) && number >= 1) return
  throw new PolicyError('REQUEST_UNKNOWN', 'expected the number of a pull request')
}

/** Orders reviews, oldest first. */
export function byAge(one: ForgeReview, other: ForgeReview): number {
  return one.submittedAt - other.submittedAt || Number(one.id) - Number(other.id)
}

export function headDiffers(number: number): PolicyError {
  return new PolicyError('FORGE_CONFLICT', `the head of pull request ${number} is another commit`)
}

export function tampered(what: string): PolicyError {
  return new PolicyError('REQUEST_TAMPERED', `not as the forge writes it: ${what}`)
}
