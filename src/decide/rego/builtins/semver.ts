import { compareText } from '../../../base/position.ts'
import type { Term } from '../terms.ts'
import { refuse, stringOperand } from './operands.ts'

/** `semver.is_valid(value)`: false for anything but a string. */
export function semverIsValid(value?: Term): Term {
  return typeof value === 'string' && parse(value) !== undefined
}

/** `semver.compare(a, b)`: -1, 0 or 1 by Semantic Versioning 2.0.0; a leading `v` is allowed, as in OPA. */
export function semverCompare(a?: Term, b?: Term): Term {
  const left = parse(stringOperand(a, 1))
  const right = parse(stringOperand(b, 2))
  if (left === undefined) throw refuse('operand 1 is no semantic version')
  if (right === undefined) throw refuse('operand 2 is no semantic version')
  return { kind: 'number', text: String(compare(left, right)) }
}

type Version = { readonly core: readonly bigint[]; readonly pre: readonly string[] }

const IDENTIFIERS = /^[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*$/
const INT64_MAX = 2n ** 63n - 1n

function parse(text: string): Version | undefined {
  const [versioned, metadata] = cut(text.startsWith('v') ? text.slice(1) : text, '+')
  if (metadata !== undefined && !IDENTIFIERS.test(metadata)) return undefined
  const [core, pre] = cut(versioned, '-')
  if (pre !== undefined && !IDENTIFIERS.test(pre)) return undefined
  const identifiers = pre?.split('.') ?? []
  if (identifiers.some((identifier) => /^0[0-9]+$/.test(identifier))) return undefined
  if (!/^(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})$/.test(core))
    return undefined
  const numbers = core.split('.').map(BigInt)
  return numbers.some((number) => number > INT64_MAX)
    ? undefined
    : { core: numbers, pre: identifiers }
}

function compare(a: Version, b: Version): -1 | 0 | 1 {
  for (let i = 0; i < 3; i++) {
    const order = sign((a.core[i] ?? 0n) - (b.core[i] ?? 0n))
    if (order !== 0) return order
  }
  // A version without a pre-release is the greater.
  if (a.pre.length === 0 || b.pre.length === 0) return sign(BigInt(b.pre.length - a.pre.length))
  for (let i = 0; i < Math.min(a.pre.length, b.pre.length); i++) {
    const order = compareIdentifiers(a.pre[i] ?? '', b.pre[i] ?? '')
    if (order !== 0) return order
  }
  return sign(BigInt(a.pre.length - b.pre.length))
}

function compareIdentifiers(a: string, b: string): -1 | 0 | 1 {
  const numeric = [a, b].map((identifier) => /^[0-9]+$/.test(identifier))
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1
  if (!numeric[0]) return sign(BigInt(compareText(a, b)))
  return sign(saturated(a) - saturated(b))
}

/** OPA reads identifiers with strconv.Atoi, which gives the largest int64 for anything beyond it. */
function saturated(digits: string): bigint {
  return digits.length > 19 || BigInt(digits) > INT64_MAX ? INT64_MAX : BigInt(digits)
}

function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function sign(value: bigint): -1 | 0 | 1 {
  return value < 0n ? -1 : value > 0n ? 1 : 0
}
