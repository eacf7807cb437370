import type { LoadedPolicy } from '../../../src/decide/evaluate/index.ts'
import { loadPolicy } from '../../../src/decide/evaluate/index.ts'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import type { Documents } from '../../../src/policy/compile/index.ts'
import { compile, parseDocuments } from '../../../src/policy/compile/index.ts'

/** Stands where no Rego is: being asked for anything is a mistake of the test. */
const noRego = new Proxy({}, { get: () => () => Promise.reject(new Error('no Rego here')) })

/** A policy of an agent `a` with the tools `s.read` and `s.write`, and what the YAML adds to it. */
export async function policyOf(
  yaml: string,
): Promise<{ readonly policy: LoadedPolicy; readonly tests: Documents['tests'] }> {
  const files = new Map([
    ['countersign.yaml', BASE],
    ['policies/more.yaml', yaml],
  ])
  const compiled = await compile(files, { rego: noRego as RegoCompiler })
  if (compiled.bundle === null) throw new Error(JSON.stringify(compiled.diagnostics))
  return { policy: loadPolicy(compiled.bundle), tests: parseDocuments(files).documents.tests }
}

/** Two people, and the routes `default` and `board`, which asks for both. */
export const ROUTES = `apiVersion: countersign/v1
kind: Roster
people:
  - { id: ana, keys: [{ fingerprint: 'SHA256:${'A'.repeat(43)}' }] }
  - { id: bo, keys: [{ fingerprint: 'SHA256:${'B'.repeat(43)}' }] }
---
apiVersion: countersign/v1
kind: Routes
routes:
  - { id: default, reviewers: [ana, bo], time_out: 1h }
  - { id: board, reviewers: [ana, bo], quorum: 2, time_out: 1h }
`

const BASE = `apiVersion: countersign/v1
kind: Project
project: p
defaults: { low: allow, medium: allow, high: deny, critical: deny }
---
apiVersion: countersign/v1
kind: Agent
agent: a
scopes: [{ tools: [s.*] }]
---
apiVersion: countersign/v1
kind: Tools
service: s
tools: { read: { effect: read }, write: { effect: write } }
`
