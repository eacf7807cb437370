import type { BundleReport } from '../model/results.ts'
import { plural } from './check-text.ts'
import type { Paint } from './paint.ts'

/** A bundle's contents for people. */
export function inspectText(report: BundleReport, paint: Paint): string {
  const { manifest, policy, agents, tools, rules, entrypoints, routes, people, validUntil } = report
  const { releases } = report
  const lines = [
    `${paint.bold(policy)}`,
    `project ${manifest.project}, bundle format ${manifest.format}${validUntil === null ? '' : `, valid until ${validUntil}`}`,
    ...section(`${plural(agents.length, 'agent')}`, agents),
    ...section(
      plural(Object.keys(tools).length, 'tool'),
      Object.entries(tools).map(
        ([tool, effect]) => `${tool} ${paint.dim(`${effect}${undoText(report, tool)}`)}`,
      ),
    ),
    ...section(
      plural(rules.length, 'rule'),
      rules.map(
        ({ id, kind, then, mode, place }) =>
          `${id} ${kind} -> ${then}${mode === 'shadow' ? ' (shadow)' : ''} ${paint.dim(place)}`,
      ),
    ),
    ...section(plural(entrypoints.length, 'Rego entry point'), entrypoints),
    ...section(
      plural(routes.length, 'route'),
      routes.map(({ id, quorum, reviewers }) => `${id} ${quorum} of ${reviewers.join(', ')}`),
    ),
    ...(releases.length === 0
      ? []
      : section(plural(releases.length, 'release'), releases.map(releaseLine))),
    `${people} on the roster`,
    ...section(
      plural(manifest.files.length, 'file'),
      manifest.files.map(
        ({ path, bytes, sha256 }) =>
          `${path} ${paint.dim(`${bytes} bytes ${sha256.slice(0, 16)}`)}`,
      ),
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** A bundle's contents for programs. */
export function inspectDocument(report: BundleReport): object {
  const { manifest, policy, agents, tools, rules, entrypoints, routes, people, validUntil } = report
  return {
    policy,
    project: manifest.project,
    format: manifest.format,
    valid_until: validUntil,
    agents,
    tools,
    undos: report.undos,
    rules,
    entrypoints,
    routes,
    releases: report.releases,
    people,
    files: manifest.files,
    compiled: report.compiled,
  }
}

function releaseLine({
  release,
  agent,
  version,
  evals,
  rollback,
}: BundleReport['releases'][number]) {
  const back = rollback === null ? 'the first' : `goes back to ${rollback}`
  return `${release} ${agent} ${version} -> ${evals.join(', ')}; ${back}`
}

function undoText({ undos }: BundleReport, tool: string): string {
  const undo = Object.hasOwn(undos, tool) ? undos[tool] : undefined
  if (undo === undefined) return ''
  return `, undone by ${undo.by}${undo.within === null ? '' : ` within ${undo.within}`}`
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => `  ${line}`)]
}
