import type {
  Trace,
  TracedBody,
  TracedRead,
  TracedRound,
  TracedRule,
  TracedStep,
} from '../model/results.ts'
import { type Paint, visible } from './paint.ts'

/**
 * Why a query came to what it did, for people: what it reads at all, then each rule with its value, below it the bodies
 * that were tried, and of each the expressions as far as they held (+) or not (-), with what those looked at.
 */
export function traceText({ reads, steps, cut }: Trace, paint: Paint): string {
  const paths = [...reads.input, ...reads.data]
  const shown = paths.slice(0, READS_SHOWN)
  if (paths.length > shown.length) shown.push(`${paths.length - shown.length} more`)
  const head = paint.dim(`reads ${paths.length === 0 ? 'nothing' : shown.join(', ')}`)
  const lines = steps.flatMap((step) => {
    const [rule] = step.rules
    // A query that is nothing but a rule's name says no more than the rule does.
    return rule !== undefined && step.text === rule.rule && step.rounds.length === 0
      ? ruleLines(rule, paint, '')
      : stepLines(step, paint, '')
  })
  if (cut) lines.push(paint.yellow('more happened than is shown'))
  return [head, '', ...lines].map((line) => `${line}\n`).join('')
}

const READS_SHOWN = 12
const INDENT = '    '

function ruleLines(rule: TracedRule, paint: Paint, indent: string): readonly string[] {
  const { bodies, remembered, unfinished } = rule
  const given = rule.arguments === undefined ? '' : `(${rule.arguments.join(', ')})`
  const value = rule.value === null ? 'undefined' : visible(rule.value)
  const outcome = unfinished ? paint.red('ended by an error') : `is ${paint.bold(value)}`
  const place = remembered ? '  (as before)' : `  ${rule.file}:${rule.line}`
  const head = `${indent}${visible(rule.rule + given)} ${outcome}${paint.dim(place)}`
  const [only] = bodies
  if (bodies.length === 1 && only?.kind === 'body') {
    return [head, ...only.steps.flatMap((step) => stepLines(step, paint, `${indent}  `))]
  }
  return [head, ...bodies.flatMap((body) => bodyLines(body, rule, paint, `${indent}  `))]
}

/** A body of several: which one, then what it holds. */
function bodyLines(
  { kind, file, line, held, steps }: TracedBody,
  rule: TracedRule,
  paint: Paint,
  indent: string,
): readonly string[] {
  const place = file === rule.file ? `line ${line}` : `${file}:${line}`
  const head = `${indent}${mark(held, paint)} ${kind} at ${place}`
  return [head, ...steps.flatMap((step) => stepLines(step, paint, `${indent}  `))]
}

function stepLines(step: TracedStep, paint: Paint, indent: string): readonly string[] {
  const { line, text, held, reads, rules, rounds, omitted } = step
  // What a comprehension in one line holds is told where something in it did not hold that matters, or asked for more.
  const inner = step.steps.filter(
    (one) => one.line !== line || asksRules(one) || !(held || holds(one)),
  )
  const number = paint.dim(String(line).padStart(3))
  const below = `${indent}${INDENT}`
  const lines = [
    `${indent}${mark(held, paint)} ${number}  ${visible(text)}${held ? '' : readsText(reads, paint)}`,
    ...rules.flatMap((rule) => ruleLines(rule, paint, below)),
    ...inner.flatMap((one) => stepLines(one, paint, below)),
    ...rounds.flatMap((round) => roundLines(round, paint, below)),
  ]
  if (omitted > 0) lines.push(`${below}${paint.dim(`and ${omitted} more`)}`)
  return lines
}

function holds({ held, steps, rounds }: TracedStep): boolean {
  return (
    held && steps.every(holds) && rounds.every((round) => round.held && round.steps.every(holds))
  )
}

function asksRules({ rules, steps, rounds }: TracedStep): boolean {
  return (
    rules.length > 0 ||
    steps.some(asksRules) ||
    rounds.some((round) => round.rules.length > 0 || round.steps.some(asksRules))
  )
}

/** The first line of a round has its key before it. */
function roundLines(round: TracedRound, paint: Paint, indent: string): readonly string[] {
  const { keys, held, reads, rules, steps } = round
  // Without a key it is one of several rules that a name stands for.
  const key = keys.length === 0 ? 'or' : keys.map((one) => `[${visible(one)}]`).join('')
  const alone = reads.length > 0 || (steps.length === 0 && rules.length === 0)
  const pad = ' '.repeat(key.length + 1)
  const lines = [
    ...(alone ? [`${indent}${pad}${mark(held, paint)}${readsText(reads, paint)}`] : []),
    ...rules.flatMap((rule) => ruleLines(rule, paint, `${indent}${pad}`)),
    ...steps.flatMap((step) => stepLines(step, paint, `${indent}${pad}`)),
  ]
  const [first = '', ...rest] = lines
  return [`${indent}${paint.dim(key)} ${first.slice(indent.length + pad.length)}`, ...rest]
}

function readsText(reads: readonly TracedRead[], paint: Paint): string {
  if (reads.length === 0) return ''
  const found = reads.map(({ path, value }) => `${visible(path)} is ${visible(value)}`)
  return paint.dim(`  # ${found.join(', ')}`)
}

function mark(held: boolean, paint: Paint): string {
  return held ? paint.green('+') : paint.red('-')
}
