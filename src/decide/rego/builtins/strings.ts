import { lowerCase, upperCase } from '../regex/unicode.ts'
import { isArray, isSet } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, stringOperand } from './builtin.ts'
import { anyAffix } from './strings-affixes.ts'
import {
  chargedFinder,
  codePointsTo,
  eachOverlap,
  eachPlace,
  hasSurrogates,
} from './strings-find.ts'
import { countOperand, stringMembers } from './strings-operands.ts'

/** https://www.openpolicyagent.org/docs/policy-reference/builtins/strings */
export const STRINGS: BuiltinFamily = {
  concat(call, separator, parts) {
    const between = stringOperand(separator, 1)
    if (!isArray(parts) && !isSet(parts)) return mismatch(parts, 2, 'set', 'array')
    const texts = stringMembers(parts, 2)
    let length = between.length * Math.max(0, texts.length - 1)
    for (const text of texts) length += text.length
    call.work(texts.length >>> 2)
    call.output(length)
    return texts.join(between)
  },

  contains(call, text, part) {
    const [base, search] = [stringOperand(text, 1), stringOperand(part, 2)]
    return chargedFinder(call, base, search)(base, 0) >= 0
  },

  startswith: (_call, text, prefix) => stringOperand(text, 1).startsWith(stringOperand(prefix, 2)),

  endswith: (_call, text, suffix) => stringOperand(text, 1).endsWith(stringOperand(suffix, 2)),

  indexof(call, text, part) {
    const [base, search] = [stringOperand(text, 1), soughtOperand(part, 2)]
    const at = chargedFinder(call, base, search)(base, 0)
    call.work(at > 0 ? at >>> 4 : 0)
    return at < 0 ? -1 : codePointsTo(base, at)
  },

  indexof_n(call, text, part) {
    const [base, search] = [stringOperand(text, 1), soughtOperand(part, 2)]
    const found: number[] = []
    let [place, points] = [0, 0]
    eachOverlap(call, base, search, (at) => {
      points += codePointsTo(base, at, place)
      place = at
      call.output(MEMBER_BYTES)
      found.push(points)
    })
    return found
  },

  lower(call, text) {
    const base = stringOperand(text, 1)
    call.work(base.length)
    return lowerCase(base)
  },

  upper(call, text) {
    const base = stringOperand(text, 1)
    call.work(base.length)
    return upperCase(base)
  },

  split(call, text, delimiter) {
    return split(call, stringOperand(text, 1), stringOperand(delimiter, 2))
  },

  'strings.split_n'(call, text, delimiter, limit) {
    const [base, between] = [stringOperand(text, 1), stringOperand(delimiter, 2)]
    const count = countOperand(limit, 3)
    const parts = split(call, base, between)
    return count < 0 ? parts.slice(count) : parts.slice(0, count)
  },

  'strings.count'(call, text, part) {
    const [base, search] = [stringOperand(text, 1), stringOperand(part, 2)]
    if (search === '') return codePointsTo(base, base.length) + 1
    let count = 0
    eachPlace(call, base, search, () => {
      count++
    })
    return count
  },

  'strings.reverse'(call, text) {
    const base = stringOperand(text, 1)
    call.work(base.length >>> 1)
    return (hasSurrogates(base) ? [...base] : base.split('')).reverse().join('')
  },

  'strings.any_prefix_match': (call, texts, prefixes) =>
    anyAffix(call, { texts, affixes: prefixes, end: 'start' }),

  'strings.any_suffix_match': (call, texts, suffixes) =>
    anyAffix(call, { texts, affixes: suffixes, end: 'end' }),

  substring(call, text, offset, length) {
    const base = stringOperand(text, 1)
    const [start, count] = [countOperand(offset, 2), countOperand(length, 3)]
    if (start < 0) throw new BuiltinError('negative offset')
    if (!hasSurrogates(base)) return base.slice(start, count < 0 ? undefined : start + count)
    call.work(base.length >>> 1)
    const from = unitsOf(base, start, 0)
    return base.slice(from, count < 0 ? undefined : unitsOf(base, count, from))
  },
}

/** What a member of a list is charged while the list grows; what it holds in the end is charged to the call. */
const MEMBER_BYTES = 32

function soughtOperand(...[value, position]: Parameters<typeof stringOperand>): string {
  const search = stringOperand(value, position)
  if (search === '') throw new BuiltinError('empty search character')
  return search
}

/** Go's strings.Split: between the delimiters, or one by one where there is none to look for. */
function split(call: Call, text: string, delimiter: string): readonly string[] {
  if (delimiter === '') {
    call.output(MEMBER_BYTES * text.length)
    call.work(text.length)
    return [...text]
  }
  const parts: string[] = []
  let start = 0
  eachPlace(call, text, delimiter, (at) => {
    call.output(MEMBER_BYTES)
    parts.push(text.slice(start, at))
    start = at + delimiter.length
  })
  parts.push(text.slice(start))
  return parts
}

/** The place so many code points behind another, or the end. */
function unitsOf(text: string, points: number, from: number): number {
  let at = from
  for (let left = points; left > 0 && at < text.length; left--) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  }
  return at
}
