import type { Reconciliation, UnredeemedExecution } from '../model/reconciliation.ts'
import { type Paint, visible } from './paint.ts'

/** What ran without a redeemed grant, and what was redeemed and did not run, for people. */
export function reconciliationText(found: Reconciliation, paint: Paint): string {
  const { executions, redeemed, matched, unredeemed, unexecuted } = found
  const good = unredeemed.length + unexecuted.length === 0
  const head = `${executions} executions, ${matched} of them matched; ${redeemed} redeemed grants`
  const strange = unredeemed.map(({ line, at, tool, grant, why }) =>
    [
      `  line ${line}`,
      paint.dim(visible(at)),
      ...(tool === null ? [] : [visible(tool)]),
      ...(grant === null ? [] : [visible(grant)]),
      paint.red(WORDS[why]),
    ].join('  '),
  )
  const idle = unexecuted.map(
    ({ index, grant, redeemed_at: at, agent, tool }) =>
      `  receipt ${index}  ${paint.dim(at)}  ${agent}  ${visible(tool)}  ${grant}`,
  )
  return [
    good ? paint.green(head) : paint.red(head),
    ...(strange.length === 0 ? [] : ['executions without a redeemed grant:', ...strange]),
    ...(idle.length === 0 ? [] : ['redeemed grants without an execution:', ...idle]),
  ].join('\n')
}

const WORDS: Readonly<Record<UnredeemedExecution['why'], string>> = {
  unredeemed: 'its grant was not redeemed',
  repeated: 'its grant is that of an earlier line',
  'other-tool': 'its grant was for another tool',
  forged: 'its grant was not signed by this engine',
  none: 'it names no grant',
}
