import type { Json } from './documents.ts'
import { smallerJson } from './documents.ts'
import type { Body, Expression, Module, Part, Policy, Rule, Term } from './policy.ts'
import { term } from './policy.ts'

/** A policy and an input that show something. */
export type Specimen = { readonly policy: Policy; readonly input: Json }

/**
 * Makes a specimen smaller as long as it shows the same: parts are left out of policy and input, one after another,
 * the large ones first. The last one that showed it is the result.
 *
 * @param shows - whether a smaller one still does; it may be one that does not compile
 * @param triesMax - how often that may be asked
 */
export async function shrink(
  specimen: Specimen,
  shows: (smaller: Specimen) => Promise<boolean>,
  triesMax: number,
): Promise<Specimen> {
  let best = specimen
  let tries = 0
  for (let progress = true; progress; ) {
    progress = false
    let candidates = smallerSpecimens(best)
    // Of a smaller one all that could be left out is found anew; what comes after the place goes on there.
    for (let at = 0; at < candidates.length && tries < triesMax; ) {
      const candidate = candidates[at]!
      tries += 1
      if (await shows(candidate)) {
        best = candidate
        progress = true
        candidates = smallerSpecimens(best)
      } else at += 1
    }
  }
  return best
}

function smallerSpecimens({ policy, input }: Specimen): readonly Specimen[] {
  return [
    ...smallerPolicies(policy).map((smaller) => ({ policy: smaller, input })),
    ...smallerJson(input).map((smaller) => ({ policy, input: smaller })),
  ]
}

function smallerPolicies(policy: Policy): readonly Policy[] {
  const { modules, data } = policy
  return [
    ...modules.map((_, at) => ({ ...policy, modules: modules.toSpliced(at, 1) })),
    ...(data === '{}' ? [] : [{ ...policy, data: '{}' }]),
    ...modules.flatMap((module, at) =>
      smallerModules(module).map((smaller) => ({ ...policy, modules: modules.with(at, smaller) })),
    ),
    ...smallerData(policy),
  ]
}

function smallerData(policy: Policy): readonly Policy[] {
  const { docs } = JSON.parse(policy.data) as { readonly docs?: Readonly<Record<string, unknown>> }
  const names = typeof docs === 'object' && docs !== null ? Object.keys(docs) : []
  return names.map((name) => {
    const rest = Object.fromEntries(Object.entries(docs ?? {}).filter(([key]) => key !== name))
    return { ...policy, data: JSON.stringify({ docs: rest }) }
  })
}

function smallerModules(module: Module): readonly Module[] {
  const { rules, lax } = module
  return [
    ...(lax ? [{ ...module, lax: false }] : []),
    ...rules.map((_, at) => ({ ...module, rules: rules.toSpliced(at, 1) })),
    ...rules.flatMap((rule, at) =>
      smallerRules(rule).map((smaller) => ({ ...module, rules: rules.with(at, smaller) })),
    ),
  ]
}

function smallerRules(rule: Rule): readonly Rule[] {
  const { head, value, body, otherwise } = rule
  const branches = otherwise.flatMap((branch, at) => {
    const bodies = smallerBodies(branch.body).map((smaller) => ({ ...branch, body: smaller }))
    const values = smallerTerms(branch.value).map((smaller) => ({ ...branch, value: smaller }))
    return [...bodies, ...values].map((smaller) => otherwise.with(at, smaller))
  })
  return [
    ...otherwise.map((_, at) => ({ ...rule, otherwise: otherwise.toSpliced(at, 1) })),
    ...smallerBodies(body).map((smaller) => ({ ...rule, body: smaller })),
    ...branches.map((smaller) => ({ ...rule, otherwise: smaller })),
    ...(value === undefined ? [] : smallerTerms(value)).map((smaller) => ({
      ...rule,
      value: smaller,
    })),
    ...smallerInside(head).map((smaller) => ({ ...rule, head: smaller })),
  ]
}

function smallerBodies(body: Body): readonly Body[] {
  return [
    ...body.map((_, at) => body.toSpliced(at, 1)),
    ...body.flatMap((one, at) => smallerExpressions(one).map((smaller) => body.with(at, smaller))),
  ]
}

function smallerExpressions(one: Expression): readonly Expression[] {
  const { term, replaced } = one
  const terms = smallerTerms(term).map((smaller) => ({ ...one, term: smaller }))
  if (replaced === undefined) return terms
  const values = smallerTerms(replaced.value)
  return [
    { term },
    ...terms,
    ...values.map((value) => ({ ...one, replaced: { ...replaced, value } })),
  ]
}

const CONSTANTS = ['0', '""'].map((text) => term(text))

function smallerTerms(whole: Term): readonly Term[] {
  return [...instead(whole), ...smallerInside(whole)]
}

/** What may stand for a term: its own terms, or a constant. */
function instead(whole: Term): readonly Term[] {
  const [only] = whole.parts
  const short = whole.parts.length === 1 && typeof only === 'string' && only.length <= 2
  const inner = whole.parts.filter((part) => typeof part === 'object' && 'parts' in part)
  return short ? inner : [...inner, ...CONSTANTS]
}

function smallerInside(whole: Term): readonly Term[] {
  return whole.parts.flatMap((part, at) =>
    smallerParts(part).map((smaller) => ({ ...whole, parts: whole.parts.with(at, smaller) })),
  )
}

function smallerParts(part: Part): readonly Part[] {
  if (typeof part === 'string' || 'number' in part) return []
  if ('parts' in part) return smallerTerms(part)
  if ('lines' in part) return smallerBodies(part.lines).map((lines) => ({ ...part, lines }))
  return typeof part.rule === 'string' ? [] : smallerInside(part.rule).map((rule) => ({ rule }))
}
