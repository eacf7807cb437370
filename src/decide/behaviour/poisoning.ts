import { compareText } from '../../base/position.ts'
import type { PoisoningWarning } from '../../model/baseline-report.ts'
import type { EdgeFacts, Side } from './compare.ts'
import { chainFor, chancePpm, edgeFacts } from './compare.ts'

/** Versions that are looked at, the newest included. */
export const VERSIONS_WATCHED = 10

/** So many versions in a row that raise a transition are a direction, no accident. */
export const STEADY_STEPS = 3

/** A rise of fewer millionths is no direction: what is hardly ever seen moves with everything else. */
export const STEADY_RISE_PPM_MIN = 1_000

/** A rise of this many millionths is what a reader sees at once. */
export const LARGE_STEP_PPM = 50_000

/**
 * Transitions that many small steps made ordinary, of those that matter: people rejected them, or their tool cannot be
 * undone. Warns of one whose chance rose with each of the newest three versions or more, and of one that rose by more than
 * a large step though none of the steps was large.
 *
 * @param versions - oldest first, the proposal last; the newest `VERSIONS_WATCHED` are looked at
 * @param leadsToHarm - whether a node's tool cannot be undone
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function findPoisoning(
  versions: readonly Side[],
  leadsToHarm: (node: string) => boolean,
): readonly PoisoningWarning[] {
  const watched = versions.slice(-VERSIONS_WATCHED)
  const newest = watched.at(-1)
  if (newest === undefined) return []
  const chains = watched.map(chainFor)
  const rejected = rejectedIn(watched)
  return [...edgeFacts(newest.snapshot)]
    .flatMap(([name, edge]): PoisoningWarning[] => {
      const why = reasonOf(edge, rejected.has(name), leadsToHarm)
      if (why === null) return []
      const chances = chains.map((chain) => chancePpm(chain, edge))
      const rise = riseOf(chances)
      return rise === null ? [] : [{ from: edge.from, to: edge.to, why, ...rise }]
    })
    .sort((a, b) => compareText(a.from, b.from) || compareText(a.to, b.to))
}

function rejectedIn(versions: readonly Side[]): ReadonlySet<string> {
  const rejected = new Set<string>()
  for (const { snapshot } of versions) {
    for (const [name, { rejections }] of edgeFacts(snapshot)) if (rejections > 0) rejected.add(name)
  }
  return rejected
}

function reasonOf(
  { to, count }: EdgeFacts,
  rejected: boolean,
  leadsToHarm: (node: string) => boolean,
): PoisoningWarning['why'] | null {
  if (rejected) return 'rejected'
  return count > 0 && leadsToHarm(to) ? 'irreversible' : null
}

function riseOf(
  chances: readonly number[],
): Pick<PoisoningWarning, 'kind' | 'versions' | 'chancePpm'> | null {
  const after = chances.at(-1) ?? 0
  const steps = chances.slice(1).map((chance, i) => chance - (chances[i] ?? 0))
  const falls = steps.findLastIndex((step) => step <= 0)
  const rising = steps.length - 1 - falls
  const before = chances[falls + 1] ?? 0
  if (rising >= STEADY_STEPS && after - before >= STEADY_RISE_PPM_MIN) {
    return { kind: 'steady', versions: rising, chancePpm: { before, after } }
  }
  return creeping(chances, steps)
}

/** The largest rise to the newest version from any other after the last large step. */
function creeping(
  chances: readonly number[],
  steps: readonly number[],
): Pick<PoisoningWarning, 'kind' | 'versions' | 'chancePpm'> | null {
  const after = chances.at(-1) ?? 0
  const large = steps.findLastIndex((step) => step >= LARGE_STEP_PPM)
  const small = chances.slice(large + 1)
  const before = Math.min(...small)
  if (after - before < LARGE_STEP_PPM) return null
  const versions = small.length - 1 - small.lastIndexOf(before)
  return { kind: 'creeping', versions, chancePpm: { before, after } }
}
