import type { Place } from '../model/generated/types.ts'
import type {
  DecidedSide,
  Direction,
  Flip,
  FlipReport,
  PolicyChange,
  PolicyDiff,
  PolicyDifference,
  RuleFlips,
} from '../model/policy-diff.ts'
import { changeWord, mayWeaken } from '../model/policy-diff.ts'
import type { Annotation } from './annotations.ts'
import { plural } from './check-text.ts'
import { lineDiff } from './line-diff.ts'
import { type Paint, visible } from './paint.ts'

/** What a change of a policy does, for people: part by part, then the recorded decisions that flip. */
export function diffText(diff: PolicyDiff, paint: Paint): string {
  const { before, after, changes, flips } = diff
  const lines = [
    `${paint.dim('before')} ${visible(before.name)} ${paint.dim(before.policy)}`,
    `${paint.dim('after ')} ${visible(after.name)} ${paint.dim(after.policy)}`,
    '',
    ...changes.flatMap((change) => changeLines(change, paint)),
    sumOf(changes, paint),
    ...(flips === null ? [] : ['', ...flipLines(flips, paint)]),
  ]
  return `${lines.join('\n')}\n`
}

/** The same for programs. */
export function diffDocument(diff: PolicyDiff): object {
  const { before, after, changes, flips } = diff
  return {
    before,
    after,
    may_weaken: changes.some(mayWeaken),
    changes: changes.map((change) => ({
      part: change.part,
      id: change.id,
      change: changeWord(change),
      direction: change.direction,
      before: change.before,
      after: change.after,
      differences: change.differences,
      sources: change.sources.map(({ file, before: old, after: now }) => ({
        file,
        diff: lineDiff(file, old, now),
      })),
    })),
    flips,
  }
}

/** One warning for each difference that may weaken the policy, and for each rule of which recorded decisions flip. */
export function annotationsOfDiff({ changes, flips }: PolicyDiff): Annotation[] {
  const differences = changes.filter(mayWeaken).flatMap((change) =>
    change.differences.filter(mayWeaken).map((difference): Annotation => {
      const { file, line, column } =
        difference.after ?? change.after ?? difference.before ?? change.before ?? PROJECT
      const message = `${change.part} ${change.id}: ${difference.message}`
      return { id: `policy ${changeWord(change)}`, level: 'warning', file, line, column, message }
    }),
  )
  const flipped = (flips?.rules ?? []).map((one): Annotation => {
    const change = changes.find(({ id, part }) => id === one.rule && part === 'rule')
    const place = change?.after ?? change?.before ?? PROJECT
    return { id: 'decisions flip', level: 'warning', ...place, message: flipSum(one) }
  })
  return [...differences, ...flipped]
}

/** `rule: 3 decisions flip, 2 of them more lenient (hold -> allow 2, ...)`. */
export function flipSum({ rule, count, lenient, verdicts }: RuleFlips): string {
  const words = Object.entries(verdicts).map(([word, times]) => `${word} ${times}`)
  const gentle = lenient === 0 ? '' : `, ${lenient} more lenient`
  return `${rule}: ${plural(count, 'recorded decision')}${gentle} (${words.join(', ')})`
}

/** `3 weaker, 1 unclear` in words, for the sum of all changes. */
export function changeSum(changes: readonly PolicyChange[]): string {
  if (changes.length === 0) return 'no change of meaning'
  const counts = DIRECTIONS.map(
    (direction) =>
      [direction, changes.filter((one) => one.direction === direction).length] as const,
  )
  const parts = counts.filter(([, count]) => count > 0).map(([word, count]) => `${count} ${word}`)
  return `${plural(changes.length, 'change')}: ${parts.join(', ')}`
}

/** Where a flip was recorded, and what became of it. */
export function flipText(flip: Flip): string {
  const { file, line, session, step, decision, agent, tool, before, after } = flip
  const what = `${tool} by ${agent}: ${sideText(before)} -> ${sideText(after)}`
  const how = flip.differs.includes('verdict') ? '' : ` (${flip.differs.join(' and ')} differ)`
  const where = decision ?? `${file}:${line} session ${session} step ${step}`
  return `${where} ${what}${how}`
}

const DIRECTIONS: readonly Direction[] = ['weaker', 'unclear', 'stronger', 'neutral']
const PROJECT: Place = { file: 'countersign.yaml', line: 1, column: 1 }

function sideText({ verdict, route }: DecidedSide): string {
  return route.length === 0 ? verdict : `${verdict} (${route.join(', ')})`
}

function sumOf(changes: readonly PolicyChange[], paint: Paint): string {
  const sum = changeSum(changes)
  return changes.some(mayWeaken) ? paint.yellow(sum) : paint.green(sum)
}

function changeLines(change: PolicyChange, paint: Paint): string[] {
  const { part, id, before, after, differences, sources } = change
  const word = colourOf(change.direction, paint)(changeWord(change))
  return [
    `${word} ${part} ${paint.bold(visible(id))} ${paint.dim(placesText(before, after))}`.trimEnd(),
    ...differences.map((difference) => differenceLine(change, difference, paint)),
    ...sources.flatMap(({ file, before: old, after: now }) =>
      lineDiff(file, old, now)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => `    ${diffLine(visible(line), paint)}`),
    ),
    '',
  ]
}

function differenceLine(
  change: PolicyChange,
  { direction, message, before, after }: PolicyDifference,
  paint: Paint,
): string {
  const isWhole = isPlace(before, change.before) && isPlace(after, change.after)
  const places = isWhole ? '' : ` ${paint.dim(placesText(before, after))}`
  const word = colourOf(direction, paint)(direction)
  return `  ${word}${' '.repeat(9 - direction.length)}${visible(message)}${places}`
}

function isPlace(a: Place | null, b: Place | null): boolean {
  return a?.file === b?.file && a?.line === b?.line && a?.column === b?.column
}

function placesText(before: Place | null, after: Place | null): string {
  const text = (place: Place) => `${visible(place.file)}:${place.line}:${place.column}`
  if (before === null) return after === null ? '' : text(after)
  if (after === null) return text(before)
  const [old, now] = [text(before), text(after)]
  return old === now ? now : `${old} -> ${now}`
}

function colourOf(direction: Direction, paint: Paint): (text: string) => string {
  switch (direction) {
    case 'weaker':
      return paint.red
    case 'unclear':
      return paint.yellow
    case 'stronger':
      return paint.green
    case 'neutral':
      return paint.dim
  }
}

function diffLine(line: string, paint: Paint): string {
  if (line.startsWith('-')) return paint.red(line)
  return line.startsWith('+') ? paint.green(line) : paint.dim(line)
}

function flipLines(report: FlipReport, paint: Paint): string[] {
  const { sessions, actions, flips, lenient, erased, rules } = report
  const of = sessions === 0 ? plural(actions, 'decision') : plural(sessions, 'session')
  const judged = sessions === 0 ? of : `${of}, ${plural(actions, 'action')}`
  const sum =
    flips === 0
      ? paint.green('no decision flips')
      : paint.yellow(`${plural(flips, 'decision')} flip`)
  const gentle = lenient === 0 ? '' : `, ${paint.red(`${lenient} more lenient`)}`
  const gone = erased === 0 ? '' : `, ${erased} erased and not judged`
  return [
    `recorded: ${judged}${gone}: ${sum}${gentle}`,
    ...rules.flatMap((one) => [
      `  ${visible(flipSum(one))}`,
      ...one.examples.map((flip) => paint.dim(`    ${visible(flipText(flip))}`)),
    ]),
  ]
}
