import type { PolicyChange } from '../../../src/model/policy-diff.ts'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { comparePolicies, placesOf } from '../../../src/policy/analyse/diff.ts'
import { baselinesOf } from '../../../src/policy/analyse/diff-baselines.ts'
import type { DiffSide } from '../../../src/policy/analyse/diff-parts.ts'
import { compile, parseDocuments } from '../../../src/policy/compile/index.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '

/** A policy without Rego: a project, an agent, a service with four tools, two routes, three people. */
export const FILES: Readonly<Record<string, string>> = {
  'countersign.yaml': `${HEAD}Project
project: shop
defaults: { low: allow, medium: allow, high: hold, critical: deny }
`,
  'policies/agents.yaml': `${HEAD}Agent
agent: clerk
scopes:
  - tools: [shop.read_*, shop.refund]
  - tools: [shop.delete]
    roles: [senior]
`,
  'policies/tools.yaml': `${HEAD}Tools
service: shop
tools:
  read_order: { effect: read }
  refund: { effect: write }
  delete: { effect: irreversible, priority: critical }
  wipe: { effect: irreversible, priority: high }
`,
  'policies/rules.yaml': `${HEAD}Guardrails
rules:
  - id: refunds/often
    on: { service: shop, action: refund }
    velocity: { limit: 5, per: 10m, by: [agent, payload.user] }
    then: hold
    route: payments
  - id: refunds/large
    on: { service: shop, action: [refund, delete] }
    when: [{ path: payload.currency, equals: EUR }]
    pattern: { path: payload.amount, above: 100 }
    then: deny
  - id: notes/private
    on: { service: shop, action: refund }
    pattern: { path: payload.note, matches: [secret, private] }
    then: redact
    redact: [payload.note, payload.memo]
`,
  'policies/routes.yaml': `${HEAD}Routes
routes:
  - { id: default, reviewers: [ana], time_out: 1h }
  - id: payments
    reviewers: [ana, bo]
    quorum: 2
    time_out: 1h
    show: [payload.amount]
`,
  'policies/roster.yaml': `${HEAD}Roster
people:
${['ana', 'bo', 'cleo']
  .map(
    (id, at) =>
      `  - id: ${id}\n    keys: [{ fingerprint: 'SHA256:${String(at).repeat(42)}A', valid_until: 2027-01-01T00:00:00Z }]\n`,
  )
  .join('')}`,
}

const noRego = new Proxy({}, { get: () => () => Promise.reject(new Error('no Rego here')) })

export async function sideOf(files: Readonly<Record<string, string>>): Promise<DiffSide> {
  const map = new Map(Object.entries(files))
  const { bundle, diagnostics } = await compile(map, { rego: noRego as RegoCompiler })
  if (bundle === null) throw new Error(JSON.stringify(diagnostics, null, 2))
  const { documents } = parseDocuments(map)
  return {
    policy: bundle.policy,
    rego: new Map(),
    planDigest: null,
    places: placesOf(documents),
    baselines: baselinesOf(bundle),
  }
}

type Replaced = readonly (readonly [from: string, to: string])[]

/**
 * What replacing one text by another in the policy's files changes; every text must stand in it once.
 *
 * @param first - what is replaced on both sides
 */
export async function changesOf(
  replaced: Replaced,
  first: Replaced = [],
): Promise<readonly PolicyChange[]> {
  const before = replacedIn(FILES, first)
  const after = replacedIn(before, replaced)
  return comparePolicies({ before: await sideOf(before), after: await sideOf(after) })
}

function replacedIn(
  before: Readonly<Record<string, string>>,
  replaced: Replaced,
): Readonly<Record<string, string>> {
  const files = { ...before }
  for (const [from, to] of replaced) {
    const [file, ...others] = Object.entries(files).filter(([, text]) => text.includes(from))
    if (file === undefined || others.length > 0 || file[1].split(from).length !== 2) {
      throw new Error(`expected ${JSON.stringify(from)} once`)
    }
    files[file[0]] = file[1].replace(from, to)
  }
  return files
}
