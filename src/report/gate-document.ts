import type { GateVerdict, PolicyGate } from '../model/gate.ts'
import { countSeverities } from './check-text.ts'
import { diffDocument } from './diff-text.ts'
import { annotationsOfGate } from './gate-annotations.ts'
import { gateFromTop } from './gate-places.ts'
import { failedTests, uncovered } from './gate-tests.ts'
import { changeDocument } from './policy-change.ts'

/** What `gate policy` found, for programs. Every file is named from the repository's top. */
export function gateDocument(gate: PolicyGate): object {
  const placed = gateFromTop(gate)
  const { verdict, reason, base, head, check, diff, approvals, problems, counts } = placed
  const { changes = [], flips = null } = diff === null ? {} : (diffDocument(diff) as DiffFields)
  return {
    ...{ verdict, reason, base, head, folder: gate.folder, counts, problems },
    check: check === null ? null : checkFields(check),
    tests: testFields(placed),
    changes,
    flips,
    weakenings: placed.weakenings,
    routes: placed.routes,
    approvals: approvals === null ? null : approvals.map(changeDocument),
    annotations: annotationsOfGate(placed),
  }
}

/** The exit code that a gate's verdict stands for. */
export function gateExit(verdict: GateVerdict): 0 | 1 {
  return verdict === 'allow' ? 0 : 1
}

type DiffFields = { readonly changes?: unknown; readonly flips?: unknown }

function checkFields(check: NonNullable<PolicyGate['check']>): object {
  const { project, policy, files, failLevel, diagnostics, suppressed } = check
  const counted = countSeverities(diagnostics)
  const about = { project, policy, files: files.length, fail_level: failLevel, ...counted }
  return { ...about, diagnostics, suppressed }
}

function testFields({ tests, coverage }: PolicyGate): object | null {
  if (tests === null) return null
  const { passed, failed, skipped, coverage: measured } = tests
  return {
    ...{ passed, failed, skipped, failures: failedTests(tests) },
    coverage:
      measured === null
        ? null
        : {
            rules: measured.rules.percent,
            rego: measured.rego?.percent ?? null,
            min: coverage?.min ?? null,
            reached: coverage?.reached ?? null,
            uncovered: uncovered(measured),
          },
  }
}
