import type { AnyObject, Value } from '../values/value.ts'
import {
  isArray,
  isObject,
  isSet,
  objectGet,
  objectKeys,
  objectSize,
  RegoObject,
  RegoSet,
  typeOf,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, objectOperand } from './builtin.ts'
import { tooDeep, WALK_DEPTH_MAX, weigh } from './objects-weight.ts'

/** OPA's built-ins that keep or drop what paths name. https://www.openpolicyagent.org/docs/policy-reference/builtins/object */
export const JSON_PATHS: BuiltinFamily = {
  'json.filter': (call, value, paths) => {
    const object = objectOperand(value, 1)
    return keep(call, object, pathTree(call, paths), 0)
  },

  'json.remove': (call, value, paths) => {
    const object = objectOperand(value, 1)
    const tree = pathTree(call, paths)
    return tree.size === 0 ? object : drop(call, object, tree, 0)
  },
}

/**
 * Steps of a path: text is a JSON pointer whose slashes in front do not matter, an array holds steps of any type.
 *
 * @throws {BuiltinError} for anything else
 */
export function pathSteps(call: Call, path: Value): readonly Value[] {
  if (isArray(path)) {
    weigh(call, path)
    return path
  }
  if (typeof path !== 'string') {
    throw new BuiltinError(
      'operand 2 must be one of {set, array} containing string paths or array of path segments ' +
        `but got ${typeOf(path)}`,
      'eval_type_error',
    )
  }
  call.work(path.length)
  call.output(path.length * 8)
  if (path === '') return []
  let start = 0
  while (path[start] === '/') start += 1
  return path
    .slice(start)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const ENTRY_BYTES = 64

/** Under each first step of the paths the tree of what follows, or null where a path ends: that takes all below. */
function pathTree(call: Call, value: Value | undefined): RegoObject {
  const paths = isSet(value) ? value.values() : isArray(value) ? value : noPaths(value)
  call.work(paths.length)
  const tree = new RegoObject()
  for (const path of paths) plant(call, tree, pathSteps(call, path))
  return tree
}

function noPaths(value: Value | undefined): never {
  return mismatch(value, 2, 'set', 'array')
}

function plant(call: Call, tree: RegoObject, steps: readonly Value[]): void {
  const last = steps.at(-1)
  if (last === undefined) return
  call.work(steps.length)
  call.output(steps.length * ENTRY_BYTES)
  let node = tree
  for (const step of steps.slice(0, -1)) {
    const below = node.get(step)
    if (below === null) return
    const next = below instanceof RegoObject ? below : new RegoObject()
    if (next !== below) node.set(step, next)
    node = next
  }
  node.set(last, null)
}

/** What the paths name. A scalar above a path's end stays; of an array stays what steps like `"0"` name. */
function keep(call: Call, value: Value, tree: RegoObject, depth: number): Value {
  if (depth >= WALK_DEPTH_MAX) throw tooDeep()
  if (isArray(value)) {
    visit(call, value.length)
    return value.flatMap((member, at) => {
      const below = tree.get(String(at))
      // Wrapped, because flatMap would take the members of an array out of it.
      return below === undefined ? [] : [keepBelow(call, member, below, depth)]
    })
  }
  if (isSet(value)) {
    const kept = new RegoSet()
    for (const member of surveyed(call, tree.keys())) {
      if (!value.has(member)) continue
      const rest = keepBelow(call, member, tree.get(member), depth)
      if (rest !== member) weigh(call, rest)
      kept.add(rest)
    }
    return kept
  }
  return isObject(value) ? keepMembers(call, value, tree, depth) : value
}

function keepMembers(call: Call, object: AnyObject, tree: RegoObject, depth: number): Value {
  const kept = new RegoObject()
  const few = tree.size < objectSize(object) ? tree : object
  for (const key of surveyed(call, objectKeys(few))) {
    const [member, below] = [objectGet(object, key), tree.get(key)]
    if (member === undefined || below === undefined) continue
    kept.set(key, keepBelow(call, member, below, depth))
  }
  return kept
}

function keepBelow(call: Call, value: Value, below: Value | undefined, depth: number): Value {
  return below instanceof RegoObject ? keep(call, value, below, depth + 1) : value
}

/** What the paths do not name. Paths that lead nowhere change nothing. */
function drop(call: Call, value: Value, tree: RegoObject, depth: number): Value {
  if (depth >= WALK_DEPTH_MAX) throw tooDeep()
  if (isArray(value)) {
    visit(call, value.length)
    return value.flatMap((member, at) => {
      const below = tree.get(String(at))
      return below === null ? [] : [dropBelow(call, member, below, depth)]
    })
  }
  if (isSet(value)) {
    const rest = new RegoSet()
    for (const member of surveyed(call, value.values())) {
      const below = tree.get(member)
      if (below === null) continue
      const left = dropBelow(call, member, below, depth)
      if (left !== member) weigh(call, left)
      rest.add(left)
    }
    return rest
  }
  return isObject(value) ? dropMembers(call, value, tree, depth) : value
}

function dropMembers(call: Call, object: AnyObject, tree: RegoObject, depth: number): Value {
  const rest = new RegoObject()
  for (const key of surveyed(call, objectKeys(object))) {
    const below = tree.get(key)
    if (below === null) continue
    rest.set(key, dropBelow(call, objectGet(object, key) as Value, below, depth))
  }
  return rest
}

function dropBelow(call: Call, value: Value, below: Value | undefined, depth: number): Value {
  return below instanceof RegoObject ? drop(call, value, below, depth + 1) : value
}

/** Charges the visit of members that are looked up, each at what its hash costs. */
function surveyed(call: Call, members: readonly Value[]): readonly Value[] {
  visit(call, members.length)
  for (const member of members) if (typeof member !== 'string') weigh(call, member)
  return members
}

/** Charges the visit of members and the room for what becomes of them. */
function visit(call: Call, members: number): void {
  call.work(members * 2)
  call.output(members * ENTRY_BYTES)
}
