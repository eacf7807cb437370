import type { Direction, PolicyChange, PolicyDiff } from '../model/policy-diff.ts'
import { changeWord } from '../model/policy-diff.ts'
import { plural } from './check-text.ts'
import { changeSum, flipSum, flipText } from './diff-text.ts'
import { lineDiff } from './line-diff.ts'
import { visible } from './paint.ts'

/**
 * What a change of a policy does, as a comment for a pull request. Whatever comes from a file or a caller stands in code,
 * so that it can neither mention people nor make links.
 */
export function diffMarkdown({ before, after, changes, flips }: PolicyDiff): string {
  const lines = [
    `### Policy change: ${changeSum(changes)}`,
    '',
    `${code(before.name)} → ${code(after.name)}`,
    '',
    ...changes.flatMap(changeLines),
  ]
  if (flips !== null) {
    const { actions, flips: count, lenient, erased } = flips
    const sum = count === 0 ? 'none flips' : `**${count} flip**, ${lenient} of them more lenient`
    const gone = erased === 0 ? '' : ` ${erased} were erased and not judged.`
    lines.push('', `### Recorded decisions`, '')
    lines.push(`Of ${plural(actions, 'recorded action')} ${sum}.${gone}`, '')
    for (const one of flips.rules) {
      lines.push(`- ${code(flipSum(one))}`)
      for (const flip of one.examples) lines.push(`  - ${code(flipText(flip))}`)
    }
  }
  return `${lines.join('\n').trimEnd()}\n`
}

const MARK: Readonly<Record<Direction, string>> = {
  weaker: '🔴',
  unclear: '🟡',
  stronger: '🟢',
  neutral: '⚪',
}

function changeLines(change: PolicyChange): string[] {
  const { part, id, direction, before, after, differences, sources } = change
  const place = after ?? before
  const at = place === null ? '' : ` (${code(`${place.file}:${place.line}`)})`
  return [
    `- ${MARK[direction]} **${changeWord(change)}** ${part} ${code(id)}${at}`,
    ...differences.map(
      (one) => `  - ${MARK[one.direction]} ${one.direction}: ${code(one.message)}`,
    ),
    ...sources.flatMap(({ file, before: old, after: now }) => [
      '',
      ...fenced(lineDiff(file, old, now)).map((line) => `  ${line}`),
      '',
    ]),
  ]
}

/** A code span that its text cannot end: the fence is longer than any run of backticks inside. */
function code(text: string): string {
  const shown = visible(text.replaceAll(/[\n\t]/g, ' '))
  const fence = '`'.repeat(longestRun(shown) + 1)
  const pad = shown.startsWith('`') || shown.endsWith('`') || shown === '' ? ' ' : ''
  return `${fence}${pad}${shown}${pad}${fence}`
}

function fenced(text: string): string[] {
  const shown = visible(text).trimEnd()
  const fence = '`'.repeat(Math.max(3, longestRun(shown) + 1))
  return [`${fence}diff`, ...shown.split('\n'), fence]
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
}
