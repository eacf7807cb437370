import { type RegoChoice, regoPackage } from './policy-files.ts'
import { type BenchRule, type BenchTest, rulesOf } from './rules.ts'

/** What the peer is asked. */
export const PEER_QUERY = 'data.bench.decision'

/**
 * The same rules as Rego modules: a partial set each for `deny` and `hold`, the tool as leading constant equalities,
 * which is what OPA's rule index is made for. A velocity rule reads the count of attempts from its input, because OPA
 * keeps none: its host would have to.
 */
export function peerModules(count: number, rego: RegoChoice): Readonly<Record<string, string>> {
  const rules = rulesOf(count)
  const bench = `package bench

deny contains {} if false

hold contains {} if false

${rules.map(ruleText).join('\n')}
${rego === 'none' ? ALONE : WITH_PACKAGE}`
  return {
    'bench.rego': bench,
    ...(rego === 'none' ? {} : { 'bench_limits.rego': regoPackage(rego, 'peer') }),
  }
}

/** The verdict that a decision of the peer stands for. */
export function peerVerdict(decision: {
  readonly deny: readonly unknown[] | null
  readonly hold: readonly unknown[] | null
}): 'allow' | 'hold' | 'deny' {
  const { deny, hold } = decision
  // Go writes a nil slice as null; a set that is missing altogether is an error over there.
  if (deny !== null && deny.length > 0) return 'deny'
  return hold !== null && hold.length > 0 ? 'hold' : 'allow'
}

const ALONE = `decision := {"deny": deny, "hold": hold}
`

const WITH_PACKAGE = `decision := {
	"deny": deny | data.countersign.bench_limits.deny,
	"hold": hold | data.countersign.bench_limits.hold,
}
`

function ruleText({ id, on, verdict, test }: BenchRule): string {
  const lines = [
    ...(on === null
      ? []
      : [
          `input.action.service == ${JSON.stringify(on.service)}`,
          `input.action.action == ${JSON.stringify(on.action)}`,
        ]),
    testText(test),
  ]
  return `${verdict} contains {"rule": ${JSON.stringify(id)}} if {
${lines.map((line) => `\t${line}\n`).join('')}}
`
}

function testText(test: BenchTest): string {
  switch (test.kind) {
    case 'above':
      return `input.action.${test.path} > ${test.bound}`
    case 'longer_than':
      return `count(input.action.${test.path}) > ${test.bound}`
    case 'matches':
      return `regex.match(${JSON.stringify(test.pattern)}, input.action.${test.path})`
    case 'one_of':
      return `input.action.${test.path} in ${setText(test.values)}`
    case 'every_none_of':
      return `not input.action.${test.path} in ${setText(test.values)}`
    case 'velocity':
      return `input.state.attempts > ${test.limit}`
  }
}

function setText(values: readonly string[]): string {
  return `{${values.map((value) => JSON.stringify(value)).join(', ')}}`
}
