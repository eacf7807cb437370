import { nestedIn } from '../../decide/rego/plan/analyse-locals.ts'
import type { Block, Plan, PlanFunction, Site } from '../../decide/rego/plan/plan.ts'
import type { CompiledPackage, CompiledPolicy } from '../../model/generated/types.ts'
import { ruleOfPackage } from '../compile/decision-tests.ts'
import type { Mutant } from './mutant.ts'
import { narrowings } from './mutate-selectors.ts'

/**
 * Every mutant of the Rego packages: each body of `deny`, `hold` and `redact` switched off, each of these sets taken for
 * a milder one, and what the metadata select narrowed.
 *
 * @param plan - the policy's, as it was read
 */
export function regoMutants(policy: CompiledPolicy, plan: Plan): Mutant[] {
  return policy.rego.flatMap((one) => {
    const rule = ruleOfPackage({ name: one.package })
    const of = (fields: Omit<Mutant, 'rule' | 'touches' | 'same'>): Mutant => ({
      ...{ rule, same: null, touches: ({ rules }) => rules.has(rule) },
      ...fields,
    })
    return one.rules
      .filter(({ name }) => name !== 'warn')
      .flatMap(({ name, entrypoint, file, line, column }) => {
        const path = entrypoint.split('/')
        const bodies = bodiesOf(plan, path).map((site) =>
          of({
            operator: 'rego',
            change: `a body of ${name} was switched off`,
            place: { file: site.file, line: site.row, column: site.column },
            policy: () => policy,
            replan: (other) => without(other, path, (body) => isSameSite(body, site)),
          }),
        )
        const milder = name === 'deny' ? 'hold' : 'warn'
        const taken = of({
          operator: 'verdict',
          change: `${name} became ${milder}`,
          place: { file, line, column },
          policy: () => withPackage(policy, one, renamed(one, name, milder)),
          // A test of the set finds it empty, as it would under another name.
          replan: (other) => (isOfTests(other, policy) ? without(other, path, () => true) : other),
        })
        return [...bodies, taken]
      })
      .concat(
        narrowings(one.on, policy).map(({ selector, change, same }) => ({
          ...of({
            operator: 'selector',
            change: `on: ${change}`,
            place: { file: one.file, line: one.line, column: one.column },
            policy: () => withPackage(policy, one, { ...one, on: selector }),
          }),
          same,
        })),
      )
  })
}

function renamed(
  one: CompiledPackage,
  name: CompiledPackage['rules'][number]['name'],
  milder: 'hold' | 'warn',
): CompiledPackage {
  return {
    ...one,
    rules: one.rules.map((rule) => (rule.name === name ? { ...rule, name: milder } : rule)),
  }
}

function withPackage(
  policy: CompiledPolicy,
  one: CompiledPackage,
  other: CompiledPackage,
): CompiledPolicy {
  return { ...policy, rego: policy.rego.map((item) => (item === one ? other : item)) }
}

/** Whether a plan asks for something else than the policy's own rules. */
function isOfTests(plan: Plan, policy: CompiledPolicy): boolean {
  const own = new Set(policy.rego.flatMap(({ rules }) => rules.map((rule) => rule.entrypoint)))
  return [...plan.entrypoints.keys()].some((entrypoint) => !own.has(entrypoint))
}

/** Where the bodies of a set begin. */
function bodiesOf(plan: Plan, path: readonly string[]): Site[] {
  const sites = new Map<string, Site>()
  for (const { blocks } of plan.functions.filter((one) => isAt(one, path))) {
    for (const block of blocks.filter(adds)) {
      const site = plan.sites[block[0]?.site ?? 0]
      if (site !== undefined && site.row > 0)
        sites.set(`${site.file}:${site.row}:${site.column}`, site)
    }
  }
  return [...sites.values()]
}

/** OPA plans a rule once more, with another first part of the path, where a test replaces what it reads. */
function isAt({ path }: PlanFunction, wanted: readonly string[]): boolean {
  return path !== null && path.slice(1).join('/') === wanted.join('/')
}

/** A partial set is a function: one block makes the set, one for each body adds to it, one returns it. */
function adds(block: Block): boolean {
  return block.some((statement) => statement.op === 'add' || nestedIn(statement).some(adds))
}

function without(plan: Plan, path: readonly string[], isOff: (body: Site) => boolean): Plan {
  const off = (block: Block): boolean => {
    const site = plan.sites[block[0]?.site ?? 0]
    return adds(block) && site !== undefined && isOff(site)
  }
  const functions = plan.functions.map((one) =>
    isAt(one, path) ? { ...one, blocks: one.blocks.filter((block) => !off(block)) } : one,
  )
  return { ...plan, functions }
}

function isSameSite(a: Site, b: Site): boolean {
  return a.file === b.file && a.row === b.row && a.column === b.column
}
