import type { PolicyGate } from '../model/gate.ts'
import type { NeededRoute } from '../model/policy-change.ts'
import { mayWeaken } from '../model/policy-diff.ts'
import { plural } from './check-text.ts'
import { routesMissing } from './gate-annotations.ts'
import { mermaidWords, shortRef } from './gate-escape.ts'

/** How a gate came to its verdict, as a Mermaid diagram in a fence. */
export function verdictDiagram(gate: PolicyGate): string {
  const { verdict, base, head } = gate
  const steps = stepsOf(gate)
  return fenced([
    `  base["policy of ${mermaidWords(shortRef(base.name))}<br/>${digestWords(base.policy)}"]`,
    `  change["${changeWords(gate)}<br/>${digestWords(head.policy)}"]`,
    '  base --> change',
    ...steps.flatMap(({ id, words, state }) => [
      `  ${id}["${words}"]:::${state}`,
      `  change --> ${id}`,
      `  ${id} --> verdict`,
    ]),
    `  verdict(["${verdict}"]):::${{ allow: 'good', hold: 'wait', deny: 'bad' }[verdict]}`,
  ])
}

/** Which routes guard what the change may weaken; null where there is nothing, or too much to draw. */
export function guardDiagram(gate: PolicyGate): string | null {
  const { weakenings, approvals } = gate
  const parts = unique(weakenings.map(({ part, id, route }) => ({ key: `${part} ${id}`, route })))
  const routes = [...new Set(weakenings.map(({ route }) => route))]
  if (parts.length === 0 || parts.length > PARTS_MAX) return null
  const missing = routesMissing(gate)
  const known = new Map<string, NeededRoute>(
    (approvals ?? []).flatMap((report) => report.routes.map((route) => [route.id, route] as const)),
  )
  return fenced([
    ...routes.map((id, at) => {
      const words = [`route ${mermaidWords(id)}`, whoWords(known.get(id))]
      return `  r${at}["${words.filter(Boolean).join('<br/>')}"]:::${missing.has(id) ? 'wait' : 'good'}`
    }),
    ...parts.flatMap(({ key, route }, at) => [
      `  p${at}["${mermaidWords(key)}"]`,
      `  r${routes.indexOf(route)} -->|guards| p${at}`,
    ]),
  ])
}

const PARTS_MAX = 12

type Step = {
  readonly id: string
  /** Ready to stand in a label. */
  readonly words: string
  readonly state: 'good' | 'wait' | 'bad' | 'none'
}

function stepsOf(gate: PolicyGate): Step[] {
  const { check, tests, diff, counts, problems } = gate
  const isFailed = (name: string): boolean => problems.some((problem) => problem.code === name)
  const isBad = (name: string): Step['state'] => (isFailed(name) ? 'bad' : 'good')
  const found = `${plural(counts.errors, 'error')}, ${plural(counts.warnings, 'warning')}`
  const passed = `${counts.tests_passed} passed, ${counts.tests_failed} failed`
  const weak = isFailed('GATE_COVERAGE_LOW') ? 'bad' : isBad('GATE_TESTS_FAILED')
  const flips = diff?.flips ?? null
  return [
    {
      ...{ id: 'check', words: check === null ? 'not checked' : `check<br/>${found}` },
      state: check === null ? 'none' : isBad('GATE_CHECK_FAILED'),
    },
    {
      ...{ id: 'tests', words: tests === null ? 'no tests ran' : `tests<br/>${passed}` },
      state: tests === null && !isFailed('GATE_TESTS_FAILED') ? 'none' : weak,
    },
    ...(flips === null
      ? []
      : [
          {
            ...{ id: 'flips', words: `recorded decisions<br/>${counts.flips} flip` },
            state: counts.flips_lenient > 0 ? ('wait' as const) : ('good' as const),
          },
        ]),
    reviewStep(gate),
  ]
}

function reviewStep(gate: PolicyGate): Step {
  const { routes, approvals } = gate
  const missing = routesMissing(gate)
  const isRejected = (approvals ?? []).some(({ refused, reviews }) => {
    const isForged = refused.some((one) => one.code !== 'REVIEW_UNBOUND')
    return isForged || reviews.some(({ verdict }) => verdict === 'reject')
  })
  if (isRejected) return { id: 'reviews', words: 'reviews<br/>against it', state: 'bad' }
  if (routes.length === 0) return { id: 'reviews', words: 'no reviews needed', state: 'none' }
  if (missing.size === 0) return { id: 'reviews', words: 'reviews<br/>complete', state: 'good' }
  const words = [...missing].slice(0, 3).map(mermaidWords).join(', ')
  return { id: 'reviews', words: `reviews missing<br/>${words}`, state: 'wait' }
}

function changeWords({ diff, counts }: PolicyGate): string {
  if (diff === null) return 'the change'
  const weakened = diff.changes.filter(mayWeaken).length
  return `${plural(counts.changes, 'change')}, ${weakened} may weaken`
}

function digestWords(digest: string | null): string {
  return digest === null ? 'no policy' : mermaidWords(digest.replace(/^sha256:/, '').slice(0, 12))
}

function whoWords(route: NeededRoute | undefined): string {
  if (route === undefined) return ''
  const people = route.reviewers.slice(0, 4).map(mermaidWords).join(', ')
  const more = route.reviewers.length > 4 ? ', …' : ''
  return `${route.quorum} of ${people}${more}`
}

function unique<T extends { readonly key: string; readonly route: string }>(
  all: readonly T[],
): T[] {
  return [...new Map(all.map((one) => [`${one.key}\n${one.route}`, one])).values()]
}

/** Colours that can be read on light and on dark pages. */
const CLASSES = [
  '  classDef good fill:#dafbe1,stroke:#1a7f37,color:#116329',
  '  classDef wait fill:#fff8c5,stroke:#9a6700,color:#7d4e00',
  '  classDef bad fill:#ffebe9,stroke:#cf222e,color:#a40e26',
  '  classDef none fill:#eaeef2,stroke:#6e7781,color:#424a53',
]

function fenced(lines: readonly string[]): string {
  return ['```mermaid', 'flowchart LR', ...lines, ...CLASSES, '```'].join('\n')
}
