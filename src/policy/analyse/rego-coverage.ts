import { compareText } from '../../base/position.ts'
import type { Observer } from '../../decide/rego/engine/evaluation.ts'
import { nestedIn } from '../../decide/rego/plan/analyse-locals.ts'
import type { Block, Plan } from '../../decide/rego/plan/plan.ts'
import type { RegoCoverage } from '../../model/rego.ts'

/**
 * Counts which lines of a policy evaluations run. A line is covered when something on it was evaluated, whether it held
 * or not.
 *
 * @param files - the sources that count; what stands elsewhere, the query for instance, does not
 */
export function createCoverage(
  plan: Plan,
  files: ReadonlySet<string>,
): { readonly observer: Observer; report(): RegoCoverage } {
  const seen = new Set<number>()
  return {
    observer: { visit: ({ site }) => void seen.add(site) },
    report() {
      const covered = linesOf(plan, seen, files)
      const all = linesOf(plan, sitesOf(plan), files)
      let [hits, total] = [0, 0]
      const report: [string, RegoCoverage['files'][string]][] = []
      for (const [file, lines] of [...all].sort(([a], [b]) => compareText(a, b))) {
        const of = covered.get(file) ?? new Set<number>()
        const sorted = [...lines].sort((a, b) => a - b)
        hits += of.size
        total += lines.size
        const missed = sorted.filter((line) => !of.has(line))
        report.push([file, { covered: sorted.filter((line) => of.has(line)), missed }])
      }
      const percent = total === 0 ? 100 : Math.round((1000 * hits) / total) / 10
      return { percent, files: Object.fromEntries(report) }
    },
  }
}

function sitesOf(plan: Plan): ReadonlySet<number> {
  const sites = new Set<number>()
  const walk = (block: Block): void => {
    for (const statement of block) {
      sites.add(statement.site)
      for (const nested of nestedIn(statement)) walk(nested)
    }
  }
  for (const { blocks } of plan.functions) for (const block of blocks) walk(block)
  return sites
}

function linesOf(
  plan: Plan,
  sites: ReadonlySet<number>,
  files: ReadonlySet<string>,
): ReadonlyMap<string, Set<number>> {
  const lines = new Map<string, Set<number>>()
  for (const index of sites) {
    const site = plan.sites[index]
    if (site === undefined || site.row < 1 || !files.has(site.file)) continue
    const of = lines.get(site.file) ?? new Set<number>()
    lines.set(site.file, of.add(site.row))
  }
  return lines
}
