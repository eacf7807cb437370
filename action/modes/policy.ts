import { relative, sep } from 'node:path'
import { judgePolicy } from '../../src/app/gate/policy.ts'
import type { Recorded } from '../../src/app/policy/count-flips.ts'
import type { PolicyGate } from '../../src/model/gate.ts'
import { annotationsOfGate } from '../../src/report/gate-annotations.ts'
import { gateJunit } from '../../src/report/gate-junit.ts'
import { GATE_POLICY_MARKER, gateComment, gateSummary } from '../../src/report/gate-markdown.ts'
import { sarifLog } from '../../src/report/sarif.ts'
import { assertPlain } from '../clone.ts'
import type { Inputs } from '../inputs.ts'
import type { JudgeTarget } from '../judged.ts'
import { VERSION } from '../version.ts'

/** Judges a change of the policy as a whole. */
export function policyMode(inputs: Inputs, environment: NodeJS.ProcessEnv): JudgeTarget {
  const { policy: folder, minCoverage } = inputs
  return async ({ base, head, reviewed }) => {
    const about = { folder, base, head, reviewed, minCoverage, environment }
    const recorded = recordedOf(inputs)
    const judged = await judgePolicy({ ...about, recorded, examples: EXAMPLES, clock: Date.now })
    const gate = fromWorkspace(judged, inputs)
    const annotations = annotationsOfGate(gate)
    return {
      ...{ verdict: gate.verdict, reason: gate.reason, counts: gate.counts, annotations },
      ...{ sha: gate.head.sha, digest: gate.head.policy, baseDigest: gate.base.policy },
      summary: gateSummary(gate),
      comment: { marker: GATE_POLICY_MARKER, body: gateComment(gate) },
      sarif: sarifLog(annotations, VERSION),
      junit: gateJunit(gate),
      attestation: null,
    }
  }
}

const EXAMPLES = 3 // As `diff` shows them.

/** The same with recorded files as the workflow names them: where the runner keeps its workspace is nobody's business. */
function fromWorkspace(gate: PolicyGate, { workspace }: Inputs): PolicyGate {
  const flips = gate.diff?.flips ?? null
  if (gate.diff === null || flips === null) return gate
  const named = (file: string): string => relative(workspace, file).split(sep).join('/')
  const rules = flips.rules.map((rule) => {
    const examples = rule.examples.map((flip) => ({ ...flip, file: named(flip.file) }))
    return { ...rule, examples }
  })
  return { ...gate, diff: { ...gate.diff, flips: { ...flips, rules } } }
}

function recordedOf({ traces, data, workspace }: Inputs): Recorded | null {
  for (const path of data === null ? traces : [data]) assertPlain(workspace, path)
  if (data !== null) return { data }
  return traces.length === 0 ? null : { traces, carry: false }
}
