import type { Value } from '../values/value.ts'
import { RegoSet } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { setOperand } from './builtin.ts'
import { weighMembers } from './objects-weight.ts'

/** OPA's built-ins on sets, `&` and `|` among them. https://www.openpolicyagent.org/docs/policy-reference/builtins/sets */
export const SETS: BuiltinFamily = {
  and: (call, a, b) => intersect(call, setOperand(a, 1), setOperand(b, 2)),

  or: (call, a, b) => {
    const [left, right] = [setOperand(a, 1), setOperand(b, 2)]
    if (left.size === 0) return right
    if (right.size === 0) return left
    return unite(call, [left, right])
  },

  intersection: (call, sets) => {
    const members = setsOf(sets)
    let common = members[0] ?? new RegoSet()
    for (const set of members.slice(1)) common = intersect(call, common, set)
    return common
  },

  union: (call, sets) => unite(call, setsOf(sets)),
}

const ENTRY_BYTES = 64

/** The sets that a set holds. */
function setsOf(value: Value | undefined): readonly RegoSet[] {
  return setOperand(value, 1)
    .values()
    .map((member) => setOperand(member, 1))
}

function intersect(call: Call, a: RegoSet, b: RegoSet): RegoSet {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a]
  const members = weighMembers(call, small)
  const common = new RegoSet()
  for (const member of members) if (large.has(member)) common.add(member)
  return common
}

function unite(call: Call, sets: readonly RegoSet[]): RegoSet {
  const united = new RegoSet()
  for (const set of sets) {
    const members = weighMembers(call, set)
    call.output(set.size * ENTRY_BYTES)
    for (const member of members) united.add(member)
  }
  return united
}
