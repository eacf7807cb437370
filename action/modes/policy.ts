import { judgePolicy } from '../../src/app/gate/policy.ts'
import type { Recorded } from '../../src/app/policy/count-flips.ts'
import { annotationsOfGate } from '../../src/report/gate-annotations.ts'
import { gateJunit } from '../../src/report/gate-junit.ts'
import { GATE_POLICY_MARKER, gateComment, gateSummary } from '../../src/report/gate-markdown.ts'
import { sarifLog } from '../../src/report/sarif.ts'
import type { Inputs } from '../inputs.ts'
import type { JudgeTarget } from '../judged.ts'
import { VERSION } from '../version.ts'

/** Judges a change of the policy as a whole. */
export function policyMode(inputs: Inputs, environment: NodeJS.ProcessEnv): JudgeTarget {
  const { policy: folder, minCoverage } = inputs
  return async ({ base, head, reviewed }) => {
    const about = { folder, base, head, reviewed, minCoverage, environment }
    const recorded = recordedOf(inputs)
    const gate = await judgePolicy({ ...about, recorded, examples: EXAMPLES, clock: Date.now })
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

function recordedOf({ traces, data }: Inputs): Recorded | null {
  if (data !== null) return { data }
  return traces.length === 0 ? null : { traces, carry: false }
}
