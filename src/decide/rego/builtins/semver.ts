import { compareStrings } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, stringOperand } from './builtin.ts'

/** Semantic Versioning 2.0.0; a leading `v` is allowed, as in OPA. */
export const SEMVER: BuiltinFamily = {
  'semver.is_valid': (call, value) =>
    typeof value === 'string' && parseWith(call, value) !== undefined,
  'semver.compare': (call, a, b) => {
    const left = parseWith(call, stringOperand(a, 1))
    const right = parseWith(call, stringOperand(b, 2))
    if (left === undefined) throw new BuiltinError('operand 1: string is not a valid SemVer')
    if (right === undefined) throw new BuiltinError('operand 2: string is not a valid SemVer')
    return compare(left, right)
  },
}

type Version = { readonly core: readonly bigint[]; readonly pre: readonly string[] }

const CORE = /^(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})$/
const IDENTIFIER = /^[0-9A-Za-z-]+$/
const INT64_MAX = 2n ** 63n - 1n

function parseWith(call: Call, text: string): Version | undefined {
  call.work(CHARACTER_WORK * text.length)
  return parse(text)
}

/** Units of work that a character takes at most. */
const CHARACTER_WORK = 4

function parse(text: string): Version | undefined {
  const [versioned, metadata] = cut(text.startsWith('v') ? text.slice(1) : text, '+')
  if (metadata?.split('.').every((part) => IDENTIFIER.test(part)) === false) return undefined
  const [core, written] = cut(versioned, '-')
  const pre = written?.split('.') ?? []
  if (!pre.every((part) => IDENTIFIER.test(part) && !/^0[0-9]+$/.test(part))) return undefined
  if (!CORE.test(core)) return undefined
  const numbers = core.split('.').map(BigInt)
  return numbers.some((number) => number > INT64_MAX) ? undefined : { core: numbers, pre }
}

function compare(a: Version, b: Version): -1 | 0 | 1 {
  for (let at = 0; at < 3; at++) {
    const order = sign((a.core[at] ?? 0n) - (b.core[at] ?? 0n))
    if (order !== 0) return order
  }
  // A version without a pre-release is the greater.
  if (a.pre.length === 0 || b.pre.length === 0) return sign(b.pre.length - a.pre.length)
  for (let at = 0; at < Math.min(a.pre.length, b.pre.length); at++) {
    const order = compareIdentifiers(a.pre[at] ?? '', b.pre[at] ?? '')
    if (order !== 0) return order
  }
  return sign(a.pre.length - b.pre.length)
}

function compareIdentifiers(a: string, b: string): -1 | 0 | 1 {
  const numeric = /^[0-9]+$/.test(a)
  if (numeric !== /^[0-9]+$/.test(b)) return numeric ? -1 : 1
  return numeric ? sign(saturated(a) - saturated(b)) : sign(compareStrings(a, b))
}

/** OPA reads identifiers with strconv.Atoi, which gives the largest int64 for anything beyond it. */
function saturated(digits: string): bigint {
  if (digits.length > 19) return INT64_MAX
  const value = BigInt(digits)
  return value > INT64_MAX ? INT64_MAX : value
}

function cut(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function sign(value: bigint | number): -1 | 0 | 1 {
  return value < 0 ? -1 : value > 0 ? 1 : 0
}
