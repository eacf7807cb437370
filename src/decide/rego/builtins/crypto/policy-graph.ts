import { bytesEqual } from '../../../../base/digest.ts'
import type { Call } from '../builtin.ts'
import type { Certificate } from './certificate.ts'
import type { Oid } from './object-identifier.ts'

/**
 * Whether the certificate policies of a chain allow it: RFC 5280 section 6.1 as RFC 9618 amends it, for a verifier
 * that accepts any policy and neither demands nor forbids anything itself.
 *
 * @param chain - from the leaf to the trust anchor
 */
export function policiesAllow(call: Call, chain: readonly Certificate[]): boolean {
  const count = chain.length - 1
  const limits: Limits = { explicit: count + 1, mapping: count + 1, any: count + 1 }
  let graph: Graph | undefined = { strata: [new Map([[ANY_POLICY, newNode(ANY_POLICY, [])]])] }
  for (let at = count - 1; at >= 0; at--) {
    const certificate = chain[at]
    if (certificate === undefined) return false
    const { policies = [], policyMappings = [] } = certificate.says
    call.work(sizeOf(graph) + POLICY_UNITS * (policies.length + policyMappings.length))
    if (policies.length === 0) graph = undefined
    const selfIssued = bytesEqual(certificate.rawIssuer, certificate.rawSubject)
    if (graph !== undefined) {
      const takeAny = limits.any > 0 || (at > 0 && selfIssued)
      addPolicies(call, graph, policies, takeAny)
      if (at > 0 && !addMappings(call, graph, policyMappings, limits.mapping > 0)) return false
    }
    if (at > 0) tighten(limits, certificate, selfIssued)
  }
  limits.explicit = Math.max(limits.explicit - 1, 0)
  if (chain[0]?.says.policyConstraints?.explicit === 0n) limits.explicit = 0
  return limits.explicit > 0 || (graph !== undefined && hasValidPolicy(graph))
}

const ANY_POLICY = '2.5.29.32.0'
const POLICY_UNITS = 50 // About 1 µs for each.

/** How many certificates may follow before the rule of each holds. */
type Limits = { explicit: number; mapping: number; any: number }

type Node = {
  readonly policy: Oid
  expected: readonly Oid[]
  readonly parents: Set<Node>
  readonly children: Set<Node>
}

/** One map of nodes by policy for each certificate so far. */
type Graph = { readonly strata: Map<Oid, Node>[] }

function newNode(policy: Oid, parents: readonly Node[]): Node {
  const node: Node = { policy, expected: [policy], parents: new Set(parents), children: new Set() }
  for (const parent of parents) parent.children.add(node)
  return node
}

function sizeOf(graph: Graph | undefined): number {
  return graph?.strata.reduce((sum, stratum) => sum + stratum.size, 0) ?? 0
}

function leavesOf(graph: Graph): Map<Oid, Node> {
  return graph.strata.at(-1) ?? new Map()
}

/** RFC 9618 section 5.3, step (d). */
function addPolicies(call: Call, graph: Graph, policies: readonly Oid[], takeAny: boolean): void {
  const parents = leavesOf(graph)
  const byExpected = new Map<Oid, Node[]>()
  for (const parent of parents.values()) {
    call.work(parent.expected.length)
    for (const policy of parent.expected) {
      const nodes = byExpected.get(policy)
      if (nodes === undefined) byExpected.set(policy, [parent])
      else nodes.push(parent)
    }
  }
  const leaves = new Map<Oid, Node>()
  graph.strata.push(leaves)
  const any = parents.get(ANY_POLICY)
  for (const policy of policies) {
    if (policy === ANY_POLICY) continue
    const nodes = byExpected.get(policy) ?? (any === undefined ? [] : [any])
    call.work(nodes.length)
    if (nodes.length > 0) leaves.set(policy, newNode(policy, nodes))
  }
  if (policies.includes(ANY_POLICY) && takeAny) {
    for (const [policy, nodes] of byExpected) {
      call.work(nodes.length)
      if (!leaves.has(policy)) leaves.set(policy, newNode(policy, nodes))
    }
  }
  prune(graph)
}

/** RFC 5280 section 6.1.4 (a) and (b) as RFC 9618 has them. False where a mapping is none. */
function addMappings(
  call: Call,
  graph: Graph,
  mappings: NonNullable<Certificate['says']['policyMappings']>,
  allowed: boolean,
): boolean {
  const leaves = leavesOf(graph)
  const subjects = new Map<Oid, Oid[]>()
  for (const { issuer, subject } of mappings) {
    if (!allowed) {
      remove(leaves, issuer)
      continue
    }
    if (issuer === ANY_POLICY || subject === ANY_POLICY) return false
    const list = subjects.get(issuer)
    if (list === undefined) subjects.set(issuer, [subject])
    else list.push(subject)
  }
  if (mappings.length > 0) prune(graph)
  for (const [issuer, expected] of subjects) {
    call.work(expected.length)
    const leaf = leaves.get(issuer)
    const any = leaves.get(ANY_POLICY)
    if (leaf !== undefined) leaf.expected = expected
    else if (any !== undefined) {
      const node = newNode(issuer, [any])
      node.expected = expected
      leaves.set(issuer, node)
    }
  }
  return true
}

/** Removes nodes above the leaves that have no children left. */
function prune({ strata }: Graph): void {
  for (let at = strata.length - 2; at > 0; at--) {
    const stratum = strata[at] ?? new Map<Oid, Node>()
    for (const node of [...stratum.values()]) {
      if (node.children.size === 0) remove(stratum, node.policy)
    }
  }
}

function remove(stratum: Map<Oid, Node>, policy: Oid): void {
  const node = stratum.get(policy)
  if (node === undefined) return
  for (const parent of node.parents) parent.children.delete(node)
  stratum.delete(policy)
}

/** RFC 5280 section 6.1.4 (h) to (j). */
function tighten(limits: Limits, { says }: Certificate, selfIssued: boolean): void {
  const step = selfIssued ? 0 : 1
  const { explicit, noMapping } = says.policyConstraints ?? {}
  limits.explicit = lower(limits.explicit - step, explicit)
  limits.mapping = lower(limits.mapping - step, noMapping)
  limits.any = lower(limits.any - step, says.inhibitAnyPolicy)
}

function lower(limit: number, given: bigint | undefined): number {
  const left = Math.max(limit, 0)
  return given !== undefined && given >= 0n && given < BigInt(left) ? Number(given) : left
}

/** Whether a policy of the authorities is left, which the verifier accepts whichever it is. */
function hasValidPolicy(graph: Graph): boolean {
  if (leavesOf(graph).has(ANY_POLICY)) return true
  return graph.strata.some((stratum) =>
    [...stratum.values()].some(({ policy, parents }) => {
      const [parent] = parents
      return policy !== ANY_POLICY && parents.size === 1 && parent?.policy === ANY_POLICY
    }),
  )
}
