import type { OpaCompiler } from '../../src/host/rego-compiler/compiler.ts'
import { askBuiltins, callText, valueTerm } from './builtin-answers.ts'
import { jsonText } from './documents.ts'
import type { Judged } from './judge.ts'
import { judge } from './judge.ts'
import { agree, describe } from './outcome.ts'
import { entriesOf, filesOf } from './policy.ts'
import { callsOf } from './replay.ts'
import type { Built } from './settle.ts'
import { build } from './settle.ts'
import type { Specimen } from './shrink.ts'
import { shrink } from './shrink.ts'

/**
 * The smallest policy and input found that show an unexplained difference of the same kind, and the calls of built-ins
 * in it that OPA answers in another way.
 */
export async function specimenText(
  compiler: OpaCompiler,
  { policy }: Built,
  found: Judged,
): Promise<string> {
  let [shown, built]: [Judged, Built | undefined] = [found, undefined]
  const shows = async (smaller: Specimen): Promise<boolean> => {
    if (!entriesOf(smaller.policy).includes(found.case.entry)) return false
    try {
      const made = await build(compiler, smaller.policy)
      if (!('plan' in made)) return false
      const { differences } = await judge(compiler, made, [{ ...found.case, input: smaller.input }])
      const same = differences.find((one) => isLike(one, found))
      if (same === undefined) return false
      shown = same
      built = made
      return true
    } catch {
      // What OPA or our reader refuses shows nothing.
      return false
    }
  }
  const small = await shrink({ policy, input: found.case.input }, shows, TRIES_MAX)
  const calls = built === undefined ? [] : await differingCalls(compiler, built, shown)
  return [
    `ours ${describe(shown.ours)}, OPA ${describe(shown.oracle)}`,
    `input ${jsonText(small.input)}`,
    `data ${small.policy.data}`,
    ...Object.entries(filesOf(small.policy)).map(([file, text]) => `# ${file}\n${text.trimEnd()}`),
    ...calls,
  ].join('\n')
}

/** Each takes some 0.2 s. */
const TRIES_MAX = 250

function isLike(one: Judged, found: Judged): boolean {
  const kind = ({ mode, backEnd, ours, oracle }: Judged): string =>
    [mode, backEnd, ours, oracle]
      .map((part) => (typeof part === 'string' ? part : 'code' in part ? part.code : part.is))
      .join(' ')
  return one.explanations === undefined && kind(one) === kind(found)
}

async function differingCalls(
  compiler: OpaCompiler,
  built: Built,
  { case: one, mode }: Judged,
): Promise<readonly string[]> {
  const calls = callsOf(built, one, mode)
  const answers = await askBuiltins(compiler, calls)
  return calls.flatMap(({ name, operands, ours }, at) => {
    const oracle = answers[at]!
    if (agree(ours, oracle)) return []
    const call = callText(name, operands.map(valueTerm))
    return [`${call}: ours ${describe(ours)}, OPA ${describe(oracle)}`]
  })
}
