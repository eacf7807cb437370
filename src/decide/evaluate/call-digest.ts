import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Facts } from './facts.ts'
import { shortDigest } from './facts.ts'

/** An HMAC that equal calls share: of the tool, and of its arguments where they are to be compared. */
export function callDigest({ action, key }: Facts, compare: 'arguments' | 'tool'): string {
  const tool = [action.service, action.action]
  return shortDigest(key, `call:${canonicalize([...tool, ...argumentsOf(action, compare)])}`, 16)
}

function argumentsOf(action: Facts['action'], compare: 'arguments' | 'tool'): JsonValue[] {
  if (compare === 'tool') return []
  const recorded = Object.hasOwn(action, 'args_digest') ? action.args_digest : undefined
  const empty = Object.keys(action.payload).length === 0
  return recorded !== undefined && empty ? [{}, recorded] : [action.payload]
}
