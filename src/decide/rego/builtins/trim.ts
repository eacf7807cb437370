import type { Value } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { stringOperand } from './builtin.ts'

/** https://www.openpolicyagent.org/docs/policy-reference/builtins/strings */
export const TRIM: BuiltinFamily = {
  trim: (call, text, cutset) => trimmed(call, text, cutset, { left: true, right: true }),
  trim_left: (call, text, cutset) => trimmed(call, text, cutset, { left: true, right: false }),
  trim_right: (call, text, cutset) => trimmed(call, text, cutset, { left: false, right: true }),

  trim_prefix(_call, text, prefix) {
    const [base, start] = [stringOperand(text, 1), stringOperand(prefix, 2)]
    return base.startsWith(start) ? base.slice(start.length) : base
  },

  trim_suffix(_call, text, suffix) {
    const [base, end] = [stringOperand(text, 1), stringOperand(suffix, 2)]
    return base.endsWith(end) ? base.slice(0, base.length - end.length) : base
  },

  trim_space: (call, text) =>
    cut(call, stringOperand(text, 1), SPACES, { left: true, right: true }),
}

type Ends = { readonly left: boolean; readonly right: boolean }

function trimmed(
  call: Call,
  text: Value | undefined,
  cutset: Value | undefined,
  ends: Ends,
): string {
  const base = stringOperand(text, 1)
  const characters = stringOperand(cutset, 2)
  call.work(characters.length)
  return cut(call, base, new Set(characters), ends)
}

/** Takes characters off the ends of a text. */
function cut(call: Call, text: string, characters: ReadonlySet<string>, ends: Ends): string {
  let [start, end] = [0, text.length]
  while (ends.left && start < end) {
    const character = String.fromCodePoint(text.codePointAt(start) ?? 0)
    if (!characters.has(character)) break
    start += character.length
  }
  while (ends.right && end > start) {
    const pair = end - start > 1 && (text.codePointAt(end - 2) ?? 0) > 0xffff
    const character = text.slice(end - (pair ? 2 : 1), end)
    if (!characters.has(character)) break
    end -= character.length
  }
  // Charged afterwards, because it is as much as lies at the ends; a text is one pass at most.
  call.work(text.length - (end - start))
  return text.slice(start, end)
}

/** Go's unicode.IsSpace; JavaScript's trim() takes U+FEFF for one, and U+0085 for none. */
const SPACES: ReadonlySet<string> = new Set(
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
)
