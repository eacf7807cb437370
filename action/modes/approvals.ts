import { judgeChange } from '../../src/app/changes/judge-change.ts'
import { judgeMergeGroup } from '../../src/app/changes/judge-merge-group.ts'
import { attestGate, forgetGate, type OpenGate } from '../../src/app/receipts/attest-gate.ts'
import type { ChangeReport } from '../../src/model/policy-change.ts'
import { mayWeaken } from '../../src/model/policy-diff.ts'
import { painter } from '../../src/report/paint.ts'
import { annotationsOfChange, changeDocument, changeText } from '../../src/report/policy-change.ts'
import { sarifLog } from '../../src/report/sarif.ts'
import type { Inputs } from '../inputs.ts'
import type { Judged, JudgeTarget } from '../judged.ts'
import { fenced } from '../markdown.ts'
import type { Target } from '../targets.ts'
import { VERSION } from '../version.ts'

/** Judges the reviews of a change, by the policy of its base branch. */
export function approvalsMode(inputs: Inputs, environment: NodeJS.ProcessEnv): JudgeTarget {
  return async (target) => {
    if (inputs.attest !== null) forgetGate(inputs.attest)
    const gate = await gateOf(target, inputs, environment)
    const { isOpen, reason, changes } = gate
    const annotations = changes.flatMap(annotationsOfChange)
    const texts = changes.map((change) => changeText(change, painter(false)))
    return {
      verdict: isOpen ? 'allow' : gate.flawed ? 'deny' : 'hold',
      ...{ reason, sha: gate.head, digest: changes[0]?.policy.after ?? null },
      ...{ baseDigest: gate.digest, annotations, comment: null, junit: null },
      counts: countsOf(changes),
      summary: `### Reviews: ${isOpen ? 'open' : 'closed'}\n\n${fenced([target.name, ...texts].join('\n'))}\n`,
      sarif: sarifLog(annotations, VERSION),
      attestation: isOpen ? await attest(gate, inputs, environment) : null,
    }
  }
}

type Gate = OpenGate & {
  readonly isOpen: boolean
  readonly reason: string
  /** Whether something is wrong that no further review makes good. */
  readonly flawed: boolean
}

async function gateOf(
  { base, head, reviewed }: Target,
  { policy: folder }: Inputs,
  environment: NodeJS.ProcessEnv,
): Promise<Gate> {
  const about = { folder, base, head, clock: Date.now, environment }
  if (reviewed !== null && 'pulls' in reviewed) {
    const group = await judgeMergeGroup(about)
    const own = group.problems.some(({ about: pull }) => pull === undefined)
    const document = { ...group, changes: group.changes.map(changeDocument), policy: group.digest }
    const flawed = own || group.changes.some(isFlawed)
    return { ...group, document, isOpen: group.verdict === 'open', flawed }
  }
  // Without a forge there is no number, and none is asked for.
  const { report, policy } = await judgeChange({ ...about, pull: reviewed?.pull ?? 1 })
  return {
    ...{ policy, digest: report.policy.before, head: report.pull.headSha, changes: [report] },
    ...{ isOpen: report.verdict === 'open', reason: report.reason, flawed: isFlawed(report) },
    document: changeDocument(report),
  }
}

/** As the mode `policy` sees it: a review of an earlier head is for its reviewer to sign anew. */
function isFlawed({ problems, refused, reviews }: ChangeReport): boolean {
  return (
    problems.length > 0 ||
    refused.some(({ code }) => code !== 'REVIEW_UNBOUND') ||
    reviews.some(({ verdict }) => verdict === 'reject')
  )
}

function countsOf(changes: readonly ChangeReport[]): Judged['counts'] {
  const sum = (count: (change: ChangeReport) => number): number =>
    changes.reduce((total, change) => total + count(change), 0)
  return {
    pulls: changes.length,
    weakened: sum(({ weakenings }) => weakenings.filter(mayWeaken).length),
    reviews: sum(({ reviews }) => reviews.length),
    refused: sum(({ refused }) => refused.length),
    routes_missing: sum(({ routes }) => routes.filter(({ missing }) => missing > 0).length),
  }
}

async function attest(
  gate: OpenGate,
  { attest: folder }: Inputs,
  environment: NodeJS.ProcessEnv,
): Promise<string | null> {
  if (folder === null) return null
  const { files } = await attestGate(gate, { folder, environment, clock: Date.now })
  return files.find((file) => file.endsWith('.sigstore.json')) ?? null
}
