import type { JsonObject } from '../../base/json-value.ts'
import type { BundleReport } from '../../model/results.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { openBundle, type PolicySource } from './compile-policy.ts'

/**
 * What a bundle holds; a policy repository is compiled first.
 *
 * @throws {PolicyError} as `openBundle`
 */
export async function inspectBundle(source: PolicySource): Promise<BundleReport> {
  return reportOf(await openBundle(source))
}

function reportOf({ digest, manifest, policy }: Bundle): BundleReport {
  return {
    policy: digest,
    manifest,
    agents: policy.agents.map(({ agent }) => agent),
    tools: Object.fromEntries(
      policy.tools.map(({ service, action, effect }) => [`${service}.${action}`, effect]),
    ),
    undos: Object.fromEntries(
      policy.tools.flatMap(({ service, action, undo }) => {
        const by = undo === undefined ? '' : `${undo.service}.${undo.action}`
        return undo === undefined ? [] : [[`${service}.${action}`, { by, within: undo.within }]]
      }),
    ),
    rules: policy.rules.map(({ id, kind, then, mode, file, line }) => ({
      ...{ id, kind, then, mode },
      place: `${file}:${line}`,
    })),
    entrypoints: policy.rego.flatMap(({ rules }) => rules.map(({ entrypoint }) => entrypoint)),
    routes: policy.routes.map(({ id, quorum, reviewers }) => ({ id, quorum, reviewers })),
    releases: (policy.releases ?? []).map(({ release, agent, version, evals, rollback }) => ({
      ...{ release, agent, version, rollback },
      evals: evals.map(({ id }) => id),
    })),
    people: policy.people.length,
    validUntil: policy.valid_until,
    compiled: policy as unknown as JsonObject,
  }
}
