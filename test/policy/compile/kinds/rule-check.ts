import { parseDocuments } from '../../../../src/policy/compile/documents.ts'
import { checkFields } from '../../../../src/policy/compile/fields.ts'
import { kindsOf, RULE_KINDS } from '../../../../src/policy/compile/kinds/index.ts'
import { newReport } from '../../../../src/policy/compile/report.ts'
import { load, rule } from '../../../decide/evaluate/fixtures.ts'

const HEAD =
  'apiVersion: countersign/v1\nkind: Guardrails\nrules:\n  - id: test/rule\n    then: deny\n'

/** What is wrong with a rule that holds these lines, the first of which is line 6: `line:column CODE message`. */
export function problemsOf(lines: string): readonly string[] {
  const { documents, diagnostics } = parseDocuments(new Map([['rules.yaml', fileOf(lines)]]))
  const report = newReport()
  checkFields(documents, report)
  return [...diagnostics, ...report.diagnostics].map(
    ({ code, line, column, message }) => `${line}:${column} ${code} ${message}`,
  )
}

/** The settings of a correct rule as the evaluator reads them; the evaluator has loaded them. */
export function specOf(lines: string): unknown {
  const problems = problemsOf(lines)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const { documents } = parseDocuments(new Map([['rules.yaml', fileOf(lines)]]))
  const [entry] = documents.rules
  const [only] = entry === undefined ? [] : kindsOf(entry.value)
  if (only === undefined) throw new Error(`expected one of ${RULE_KINDS.map(({ name }) => name)}`)
  const spec = only.kind.spec(only.settings)
  load({ rules: [rule({ kind: only.kind.name, spec })] })
  return spec
}

function fileOf(lines: string): string {
  return `${HEAD}${lines
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('')}`
}
