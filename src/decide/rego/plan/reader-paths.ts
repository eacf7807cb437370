import type { Trail } from './reader-fields.ts'
import { refuse } from './reader-fields.ts'
import { CANDIDATES_MAX } from './reader-limits.ts'

/** Functions that dynamic calls can reach, as a tree of their paths. */
type Node = {
  readonly children: Map<string, Node>
  function: { readonly index: number; readonly parameters: number } | null
}

/**
 * Finds the functions at a path of which some parts are known only when it runs (`null`), ascending.
 *
 * @throws {PolicyError} REGO_PLAN_INVALID from the returned function, when all calls together look at more than
 *   CANDIDATES_MAX places
 */
export function createPaths(
  functions: readonly {
    readonly path: readonly string[] | null
    readonly parameters: readonly number[]
  }[],
): (path: readonly (string | null)[], parameters: number, trail: Trail) => readonly number[] {
  const root: Node = { children: new Map(), function: null }
  for (const [index, { path, parameters }] of functions.entries()) {
    if (path === null) continue
    let node = root
    for (const part of path) node = childOf(node, part)
    node.function = { index, parameters: parameters.length }
  }
  let left = CANDIDATES_MAX
  return (path, parameters, trail) => {
    let nodes: Node[] = [root]
    for (const part of path) {
      const next: Node[] = []
      for (const { children } of nodes) {
        if (part === null) for (const child of children.values()) next.push(child)
        else pushDefined(next, children.get(part))
      }
      left -= next.length
      if (left < 0) refuse(trail, `expected at most ${CANDIDATES_MAX} functions of dynamic calls`)
      nodes = next
    }
    return nodes
      .flatMap((node) => (node.function?.parameters === parameters ? [node.function.index] : []))
      .sort((a, b) => a - b)
  }
}

function childOf({ children }: Node, part: string): Node {
  const known = children.get(part)
  if (known !== undefined) return known
  const child: Node = { children: new Map(), function: null }
  children.set(part, child)
  return child
}

function pushDefined(nodes: Node[], node: Node | undefined): void {
  if (node !== undefined) nodes.push(node)
}
