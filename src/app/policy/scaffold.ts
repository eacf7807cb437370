import { PROJECT_FILES } from './scaffold-project.ts'
import { RULE_FILES } from './scaffold-rules.ts'

/** A person who may review, with a pinned SSH key. */
export type ScaffoldReviewer = {
  readonly id: string
  /** `SHA256:…` as `ssh-keygen -lf` prints it. */
  readonly fingerprint: string
  readonly roles: readonly string[]
}

export type ScaffoldOptions = {
  readonly project: string
  /** At least one with the role `finance`, which the routes ask for. */
  readonly reviewers: readonly ScaffoldReviewer[]
  /** Where the local forge lies, relative to the engine's data folder. Default: in it. */
  readonly forgePath?: string
}

/** The roles that the scaffold's routes ask for. */
export const SCAFFOLD_ROLES: readonly string[] = ['finance']

/** Where its decision tests are. */
export const SCAFFOLD_TESTS = 'tests/billing.yaml'

/**
 * A policy repository to start from, as texts by path: an agent of a billing service that may read invoices, whose
 * refunds wait for a person, and that may never delete a customer. It passes `check` and `test` as it is.
 */
export function scaffold(options: ScaffoldOptions): ReadonlyMap<string, string> {
  const { project, reviewers, forgePath } = options
  const forge =
    forgePath === undefined ? '' : `forge: { kind: local, path: ${JSON.stringify(forgePath)} }\n`
  const files = { ...PROJECT_FILES, ...RULE_FILES, 'policies/roster.yaml': rosterText(reviewers) }
  return new Map(
    Object.entries(files)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, text]) => [
        path,
        text
          .replaceAll('{{title}}', () => project)
          .replaceAll('{{project}}', () => plainOrQuoted(project))
          .replaceAll('{{forge}}', () => forge),
      ]),
  )
}

function rosterText(reviewers: readonly ScaffoldReviewer[]): string {
  const people = reviewers.map(({ id, fingerprint, roles }) =>
    [
      `  - id: ${plainOrQuoted(id)}`,
      `    roles: [${roles.map(plainOrQuoted).join(', ')}]`,
      '    keys:',
      `      - fingerprint: ${fingerprint}`,
    ].join('\n'),
  )
  return `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/roster.schema.json
# The people who may review. A key counts only by the fingerprint pinned here: \`ssh-keygen -lf KEY.pub\` prints it.
apiVersion: countersign/v1
kind: Roster
people:
${people.join('\n')}
`
}

/** Names that YAML would read as a number, a boolean or null need quotes. */
function plainOrQuoted(name: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(name) && !/^(?:true|false|null)$/i.test(name)
    ? name
    : JSON.stringify(name)
}
