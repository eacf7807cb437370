import type { GateSide, PolicyGate } from '../model/gate.ts'
import type { ChangeProblem } from '../model/policy-change.ts'
import { diagnosticsText, plural } from './check-text.ts'
import { diffText } from './diff-text.ts'
import { gateFromTop } from './gate-places.ts'
import { type Paint, visible } from './paint.ts'
import { changeText } from './policy-change.ts'
import { testsText } from './tests-text.ts'

/** What `gate policy` found, for people: the parts, then the verdict, and what stands against it. */
export function gateText(gate: PolicyGate, paint: Paint): string {
  const placed = gateFromTop(gate)
  const { base, head, check, tests, diff, approvals, problems, counts } = placed
  const parts = [
    diff === null
      ? `${sideText('before', base, paint)}\n${sideText('after ', head, paint)}\n`
      : diffText(diff, paint),
    check === null
      ? ''
      : `${diagnosticsText(check.diagnostics, NO_SOURCES, paint)}check: ${plural(counts.errors, 'error')}, ${plural(counts.warnings, 'warning')}\n`,
    tests === null ? '' : testsText(tests, paint),
    ...(approvals ?? []).map((report) => changeText(report, paint)),
  ]
  const lines = [...problems.map((one) => problemLine(one, paint)), verdictLine(placed, paint)]
  return `${parts.filter((part) => part !== '').join('\n')}\n${lines.join('\n')}\n`
}

const NO_SOURCES: ReadonlyMap<string, string> = new Map()

function sideText(word: string, { name, sha, policy }: GateSide, paint: Paint): string {
  return `${paint.dim(word)} ${visible(name)} ${paint.dim(policy ?? `${sha}, without a policy`)}`
}

function problemLine({ code, message, about, place }: ChangeProblem, paint: Paint): string {
  const where = place === undefined ? '' : `${visible(place.file)}:${place.line}:${place.column} `
  const what = about === undefined || message.includes(about) ? '' : `${visible(about)}: `
  return `${paint.red('problem')} ${where}${code}: ${what}${visible(message)}`
}

function verdictLine({ verdict, reason }: PolicyGate, paint: Paint): string {
  const colours = { allow: paint.green, hold: paint.yellow, deny: paint.red }
  return `${colours[verdict](verdict)} ${visible(reason)}`
}
