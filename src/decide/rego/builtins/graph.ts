import { isNumber } from '../values/number.ts'
import type { AnyObject, Value } from '../values/value.ts'
import {
  isArray,
  isSet,
  objectEntries,
  objectGet,
  objectSize,
  RegoSet,
  setOf,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { mismatch, objectOperand } from './builtin.ts'
import { tooDeep, WALK_DEPTH_MAX, weigh } from './objects-weight.ts'

/** Graphs as objects from a vertex to the array or set of its neighbours, and the walk through a value. */
export const GRAPH: BuiltinFamily = {
  'graph.reachable': reachable,
  'graph.reachable_paths': reachablePaths,
  walk,
}

function reachable(call: Call, graph?: Value, initial?: Value): Value {
  const edges = objectOperand(graph, 1)
  const queue = [...startOperand(initial)]
  const reached = new RegoSet()
  for (let at = 0; at < queue.length; at++) {
    const vertex = queue[at] as Value
    weigh(call, vertex)
    call.work(1)
    if (reached.has(vertex)) continue
    const neighbours = objectGet(edges, vertex)
    if (neighbours === undefined) continue
    reached.add(vertex)
    const members = verticesOf(neighbours)
    call.work(members.length)
    for (const member of members) queue.push(member)
  }
  return reached
}

/**
 * Every path from the initial vertices, as long as no vertex comes twice. There may be exponentially many: each step is
 * charged before it is made. A neighbour that is not in the graph ends the path before it.
 */
function reachablePaths(call: Call, graph?: Value, initial?: Value): Value {
  const edges = objectOperand(graph, 1)
  const paths = new RegoSet()
  const search = { call, edges, paths }
  for (const vertex of startOperand(initial)) {
    weigh(call, vertex)
    call.work(2)
    const neighbours = objectGet(edges, vertex)
    if (neighbours === undefined) continue
    const members = verticesOf(neighbours)
    if (members.length === 0) commit(search, [vertex])
    // As in OPA, a vertex that is its own neighbour stands twice at the head of a path.
    for (const member of members) follow(search, [vertex], member)
  }
  return paths
}

type Search = { readonly call: Call; readonly edges: AnyObject; readonly paths: RegoSet }

function follow(search: Search, before: readonly Value[], vertex: Value): void {
  const { call, edges } = search
  weigh(call, vertex)
  const neighbours = objectGet(edges, vertex)
  if (neighbours === undefined) {
    commit(search, before)
    return
  }
  if (before.length >= WALK_DEPTH_MAX) throw tooDeep()
  call.work(20 * (before.length + 2))
  const path = [...before, vertex]
  const members = verticesOf(neighbours)
  if (members.length === 0) {
    commit(search, path)
    return
  }
  weigh(call, path)
  const visited = setOf(path)
  for (const member of members) {
    weigh(call, member)
    if (visited.has(member)) commit(search, path)
    else follow(search, path, member)
  }
}

function commit({ call, paths }: Search, path: readonly Value[]): void {
  weigh(call, path)
  call.output(16 * (path.length + 1))
  paths.add(path)
}

/** The initial vertices, in order. */
function startOperand(initial: Value | undefined): readonly Value[] {
  return isArray(initial) || isSet(initial)
    ? verticesOf(initial)
    : mismatch(initial, 2, 'array', 'set')
}

/** Neighbours of a vertex; what is no collection of them holds none. */
function verticesOf(collection: Value): readonly Value[] {
  if (isArray(collection)) return collection
  return isSet(collection) ? collection.values() : []
}

/** `walk(value, [path, value])`, a relation: the pairs of paths and values, from the top down, each in Rego's order. */
function walk(call: Call, value?: Value): Value {
  const pairs: Value[] = []
  if (value === undefined) return mismatch(value, 1, 'null')
  visit({ call, pairs }, [], value)
  return pairs
}

type Walk = { readonly call: Call; readonly pairs: Value[] }

function visit(walk: Walk, path: readonly Value[], value: Value): void {
  if (path.length >= WALK_DEPTH_MAX) throw tooDeep()
  walk.call.work(6 + path.length)
  walk.call.output(64 + 16 * path.length)
  walk.pairs.push([path, value])
  if (isArray(value)) {
    for (let at = 0; at < value.length; at++) visit(walk, [...path, at], value[at] as Value)
  } else if (isSet(value)) {
    for (const member of value.values()) visit(walk, [...path, member], member)
  } else if (typeof value === 'object' && value !== null && !isNumber(value)) {
    walk.call.work(8 * objectSize(value))
    for (const [key, member] of objectEntries(value)) visit(walk, [...path, key], member)
  }
}
