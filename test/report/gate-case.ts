import type { GateVerdict, PolicyGate } from '../../src/model/gate.ts'
import type { ChangeReport, Weakening } from '../../src/model/policy-change.ts'
import type { Flip, PolicyChange } from '../../src/model/policy-diff.ts'

/** Gives the text of one slot that others fill: a name, a message, a path. */
export type Words = (usual: string) => string

const SHA = { base: '1'.repeat(40), head: '2'.repeat(40) }
const DIGEST = `sha256:${'a'.repeat(64)}` as const

/**
 * A gate with something in every part. Everything that policies, pull requests or reviewers choose goes through `words`.
 */
export function gateCase(verdict: GateVerdict, words: Words = (usual) => usual): PolicyGate {
  const isDeny = verdict === 'deny'
  const weakenings = verdict === 'allow' ? [] : weakeningsOf(words)
  const changes = changesOf(words, verdict)
  const problems = isDeny
    ? [
        { code: 'GATE_TESTS_FAILED', message: '1 test fails' },
        { code: 'COMMIT_UNSIGNED', message: words('no signature'), about: words('commit 4711') },
      ]
    : []
  return {
    ...{ verdict, folder: '', weakenings, problems },
    reason: { allow: 'it is sound', hold: words('1 more for payments'), deny: '1 test fails' }[
      verdict
    ],
    base: { name: words('main'), sha: SHA.base, policy: DIGEST },
    head: { name: words('more-refunds'), sha: SHA.head, policy: isDeny ? null : DIGEST },
    routes: weakenings.length === 0 ? [] : [words('payments')],
    check: checkOf(words),
    tests: testsOf(words, isDeny),
    coverage: isDeny ? { min: 90, reached: false } : null,
    diff: {
      before: { name: words('main'), policy: DIGEST },
      after: { name: words('more-refunds'), policy: DIGEST },
      changes,
      flips: flipsOf(words, weakenings.length > 0),
    },
    approvals: [reportOf(words, verdict, weakenings)],
    counts: {
      ...{ errors: 0, warnings: 1, tests_passed: 4, tests_failed: isDeny ? 1 : 0 },
      ...{ changes: changes.length, weakened: weakenings.length },
      ...{ flips: weakenings.length === 0 ? 0 : 2, flips_lenient: weakenings.length === 0 ? 0 : 2 },
    },
  }
}

function placeOf(words: Words, line: number) {
  return { file: words('policies/guardrails/refunds.yaml'), line, column: 5 }
}

function weakeningsOf(words: Words): Weakening[] {
  const about = { kind: 'rules', direction: 'weaker', route: words('payments') } as const
  return [
    {
      ...{ ...about, part: 'rule', id: words('refunds/too-many') },
      ...{ message: words('limit: 5 -> 50'), place: placeOf(words, 12) },
    },
    {
      ...{ ...about, part: 'test', id: words('the sixth refund is held'), place: null },
      message: words('it is gone'),
    },
  ]
}

function changesOf(words: Words, verdict: GateVerdict): PolicyChange[] {
  const [before, after] = [placeOf(words, 10), placeOf(words, 12)]
  const direction = verdict === 'allow' ? 'stronger' : 'weaker'
  const rule: PolicyChange = {
    ...{ part: 'rule', id: words('refunds/too-many'), change: 'changed', direction, before, after },
    differences: [
      { field: 'limit', direction, message: words('limit: 5 -> 50'), before, after },
      { field: 'about', direction: 'neutral', message: words('about: a -> b'), before, after },
    ],
    sources: [],
  }
  const rego: PolicyChange = {
    ...{ part: 'rego', id: words('countersign.refunds'), change: 'changed' },
    ...{ direction: verdict === 'allow' ? 'neutral' : 'unclear', before: null, after: null },
    differences: [],
    sources: [
      {
        file: words('policies/refunds.rego'),
        before: words('deny if a'),
        after: words('deny if b'),
      },
    ],
  }
  return [rego, rule]
}

function checkOf(words: Words): PolicyGate['check'] {
  return {
    ...{ project: words('shop'), policy: DIGEST, files: [words('countersign.yaml')] },
    ...{ suppressed: [], failLevel: 'error' },
    diagnostics: [
      {
        ...{ code: 'RULE_UNTESTED', severity: 'warning', ...placeOf(words, 4) },
        ...{ message: words('no test expects it'), hint: words('add one') },
      },
    ],
  }
}

function testsOf(words: Words, fails: boolean): PolicyGate['tests'] {
  const place = { file: words('tests/refunds.yaml'), line: 7, column: 5 }
  const failed = {
    ...{ ...place, name: words('a refund is held'), passed: false, actual: null },
    ...{ expected: { verdict: 'hold' as const }, differences: [words('expected hold, got allow')] },
  }
  return {
    ...{ project: words('shop'), policy: DIGEST, decisions: fails ? [failed] : [], rego: [] },
    ...{ passed: 4, failed: fails ? 1 : 0, skipped: 0 },
    coverage: {
      rules: {
        ...{ percent: 50, routes: [], tools: [] },
        rules: [{ rule: words('refunds/too-many'), ...place, found: 0, quiet: 1 }],
      },
      rego: { percent: 75, files: { [words('policies/refunds.rego')]: REGO } },
    } as never,
  }
}

const REGO = { covered: [1, 2, 3], missed: [4] }

function flipsOf(words: Words, some: boolean): NonNullable<PolicyGate['diff']>['flips'] {
  const example: Flip = {
    ...{
      file: words('yesterday.jsonl'),
      line: 3,
      session: words('monday'),
      step: 6,
      decision: null,
    },
    ...{
      agent: words('billing-agent'),
      tool: words('billing.refund_payment'),
      differs: ['verdict'],
    },
    ...{
      before: { verdict: 'hold', route: [words('payments')] },
      after: { verdict: 'allow', route: [] },
    },
    rules: [words('refunds/too-many')],
  }
  const about = { sessions: 2, actions: 20, erased: 1 }
  if (!some) return { ...about, flips: 0, verdicts: 0, lenient: 0, rules: [] }
  const rule = {
    ...{ rule: words('refunds/too-many'), count: 2, lenient: 2, verdicts: { 'hold -> allow': 2 } },
    examples: [example, { ...example, line: 4 }],
  }
  return { ...about, flips: 2, verdicts: 2, lenient: 2, rules: [rule] }
}

function reportOf(
  words: Words,
  verdict: GateVerdict,
  weakenings: readonly Weakening[],
): ChangeReport {
  const route = words('payments')
  const reviews: ChangeReport['reviews'] =
    verdict === 'hold'
      ? [
          {
            ...{ reviewer: words('ana'), verdict: 'approve', routes: [route], assurance: 'ssh' },
            comment: words('agreed with @support'),
          },
        ]
      : []
  return {
    ...{ verdict: verdict === 'allow' ? 'open' : 'closed', reason: words('1 more for payments') },
    pull: {
      ...{
        number: 12,
        baseRef: words('main'),
        tip: SHA.base,
        baseSha: SHA.base,
        headSha: SHA.head,
      },
    },
    policy: { before: DIGEST, after: DIGEST },
    request: { id: 'req_1', root: DIGEST, expiresAt: '2026-12-05T09:00:00Z' },
    ...{ files: [], weakenings, reviews },
    routes:
      weakenings.length === 0
        ? []
        : [
            {
              ...{ id: route, quorum: 2, reviewers: [words('ana'), words('bo')], missing: 1 },
              signature: 'signed',
            },
          ],
    refused:
      verdict === 'deny'
        ? [{ code: 'REVIEW_POSTER', message: words('another account'), about: words('review 7') }]
        : [],
    ignored: [],
    commits: { required: 'none', count: 1, signers: [] },
    problems: [],
  }
}
