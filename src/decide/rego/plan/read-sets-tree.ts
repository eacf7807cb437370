import { compareText } from '../../../base/position.ts'

/** Places below one value: what is read of it. */
export type ReadTree = { readonly root: ReadNode }

export type ReadNode = {
  /** Shared by all places of a tree: the root, and how many places there are. */
  readonly shared: { root: ReadNode | null; nodes: number }
  readonly depth: number
  /** Whether all that is below counts as read; then there are no children. */
  whole: boolean
  /** By name; null for names that are known only when it runs. */
  readonly children: Map<string | null, ReadNode>
}

/** Places in one tree; a policy that reads more reads the whole. */
const NODES_MAX = 2_000
/** Names in one path: no action nests deeper. */
const DEPTH_MAX = 64

export function createTree(): ReadTree {
  const shared: ReadNode['shared'] = { root: null, nodes: 1 }
  const root: ReadNode = { shared, depth: 0, whole: false, children: new Map() }
  shared.root = root
  return { root }
}

/** The place under a name. Where all is read already, it is no place of its own. */
export function childOf(node: ReadNode, name: string | null): ReadNode {
  if (node.whole) return node
  const known = node.children.get(name)
  if (known !== undefined) return known
  const { shared, depth } = node
  if (depth >= DEPTH_MAX || shared.nodes >= NODES_MAX) {
    const all = depth >= DEPTH_MAX ? node : (shared.root ?? node)
    markWhole(all)
    return all
  }
  shared.nodes += 1
  const child: ReadNode = { shared, depth: depth + 1, whole: false, children: new Map() }
  node.children.set(name, child)
  return child
}

export function markWhole(node: ReadNode): void {
  node.whole = true
  node.children.clear()
}

export function isRead({ root }: ReadTree): boolean {
  return root.whole || root.children.size > 0
}

/** Adds what is read below `from` to what is read below `to`; gives how many places that were. */
export function addReads(to: ReadNode, from: ReadNode): number {
  if (to.whole) return 1
  if (from.whole) {
    markWhole(to)
    return 1
  }
  let work = 1
  for (const [name, child] of from.children) work += addReads(childOf(to, name), child)
  return work
}

/** The paths that reach farthest, as Rego writes them with `*` for any name; sorted by code point. */
export function pathsOf({ root }: ReadTree, name: string): readonly string[] {
  const paths: string[] = []
  if (root.whole) return [name]
  collect(root, name, paths)
  return paths.sort(compareText)
}

function collect({ children }: ReadNode, path: string, paths: string[]): void {
  for (const [name, child] of children) {
    const below = `${path}${name === null ? '.*' : nameText(name)}`
    if (child.children.size === 0) paths.push(below)
    else collect(child, below, paths)
  }
}

function nameText(name: string): string {
  return IDENTIFIER.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/
