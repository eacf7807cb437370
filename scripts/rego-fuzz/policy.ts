/**
 * A generated policy. Its text is made from this tree, so that parts can be left out of a policy that shows a
 * difference, and so that it can be written in another way that means the same.
 */
export type Policy = {
  readonly modules: readonly Module[]
  /** JSON text of the documents below `data`. */
  readonly data: string
}

export type Module = {
  /** Dotted, without `data.`. */
  readonly name: string
  /** Whether its METADATA asks that errors of built-ins be undefined. */
  readonly lax: boolean
  readonly rules: readonly Rule[]
}

export type Rule = {
  readonly name: string
  /** `value` for complete rules, `member` for those that give members of a set or an object. */
  readonly shape: 'value' | 'function' | 'member' | 'default'
  /** All that stands before `:=`. */
  readonly head: Term
  readonly value?: Term
  readonly body: Body
  readonly otherwise: readonly { readonly value: Term; readonly body: Body }[]
}

export type Body = readonly Expression[]

export type Expression = {
  readonly term: Term
  /** What stands in for a document while the term is evaluated. */
  readonly replaced?: { readonly target: string; readonly value: Term }
}

/** Text with terms in it. The text of a variable `v_1`, `v_2` and so on is unique within a policy. */
export type Term = {
  readonly parts: readonly Part[]
  /** What OPA's planner leaves out where nothing takes its value, and what it looks for such terms in. */
  readonly is?: 'comprehension' | 'literal' | 'negation'
  /** Whether the call may give a text that is no UTF-8. */
  readonly decodes?: true
}

export type Part =
  | string
  | Term
  /** Expressions on lines of their own; those that only have to hold once, as in `every`. */
  | { readonly lines: Body; readonly once?: true }
  /** A reference to a rule, or a call of a function. */
  | { readonly rule: string | Term }
  /** A number as it is written, `1.0`, and as Countersign writes it, `1`. */
  | { readonly number: string; readonly plain: string }

/** Other ways to write a policy that mean the same, and take a shortcut from OPA's evaluator. */
export type Spelling = {
  /** Expressions from which OPA's rule index learns nothing: which rules may hold is found by evaluating them. */
  readonly unindexed?: boolean
  /** Values that may differ for all that OPA knows, and bodies that count: it looks for more than the first answer. */
  readonly open?: boolean
  /** What rules and functions give is found out in full, by all of their bodies, before it is used. */
  readonly whole?: boolean
  /** Comprehensions whose values nothing takes are left out. */
  readonly used?: boolean
  /** What decodes to bytes that are no UTF-8 is an error. */
  readonly utf8?: boolean
  /** Numbers as Countersign would write them. */
  readonly plain?: boolean
}

export const MAIN = 'fz.main'
export const LIB = 'fz.lib'

export function term(...parts: readonly Part[]): Term {
  return { parts }
}

/** Files of the policy, by path. */
export function filesOf(policy: Policy, spelling: Spelling = {}): Record<string, string> {
  return Object.fromEntries(
    policy.modules.map((module) => [fileOf(module), moduleText(module, spelling)]),
  )
}

export function fileOf({ name }: Module): string {
  return `${name.replaceAll('.', '/')}.rego`
}

/** Names of the rules of the main package that can be asked for their value, once each. */
export function entriesOf(policy: Policy): readonly string[] {
  const rules = policy.modules.find(({ name }) => name === MAIN)?.rules ?? []
  const defined = rules.filter(({ shape }) => shape !== 'function')
  // Functions may have a default, too.
  const functions = new Set(
    rules.filter(({ shape }) => shape === 'function').map(({ name }) => name),
  )
  return [...new Set(defined.map(({ name }) => name))].filter((name) => !functions.has(name))
}

export function moduleText(module: Module, spelling: Spelling): string {
  const rules = module.rules.map((rule) => ruleText(rule, spelling))
  const utf8 = rules.some((rule) => rule.includes(`${UTF8}(`)) ? [ONLY_UTF8] : []
  return [...preludeOf(module, rules), ...rules, ...utf8, ''].join('\n\n')
}

const UTF8 = 'only_utf8'
/** JSON has other characters in place of such bytes. */
const ONLY_UTF8 = `${UTF8}(x) := x if {
	json.unmarshal(json.marshal(x)) == x
} else := to_number("no UTF-8")`

/** A part of a module: a rule, and where the line is one of an expression, which of which body; 0 is the first. */
export type Place = {
  readonly rule: number
  readonly branch?: number
  readonly expression?: number
}

/** What stands on a line of a module, counted from 1, in its plain spelling. */
export function placeOfLine(module: Module, line: number): Place | undefined {
  const texts = module.rules.map((rule) => ruleText(rule, {}))
  let next = 1
  for (const text of preludeOf(module, texts)) next += linesOf(text) + 1
  for (const [rule, text] of texts.entries()) {
    const first = next
    next += linesOf(text) + 1
    if (line >= first && line < next) return { rule, ...within(module.rules[rule]!, line - first) }
  }
  return undefined
}

/** Counts from 0, from the first line of the rule. */
function within(rule: Rule, line: number): Omit<Place, 'rule'> {
  const branches = [{ value: rule.value, body: rule.body }, ...rule.otherwise]
  let next = linesOf(print(rule.head, {}, 0)) - 1
  for (const [branch, { value, body }] of branches.entries()) {
    next += value === undefined ? 1 : linesOf(print(value, {}, 1))
    for (const [expression, one] of body.entries()) {
      const first = next
      next += linesOf(expressionText(one, {}, 1))
      if (line >= first && line < next) return { branch, expression }
    }
  }
  return {}
}

function linesOf(text: string): number {
  return text.split('\n').length
}

function preludeOf(module: Module, rules: readonly string[]): string[] {
  const metadata = module.lax
    ? ['# METADATA', '# scope: package', '# custom:', '#   strict_builtin_errors: false']
    : []
  const imports = rules.some((rule) => /(?<![.\w])lib\./.test(rule)) ? [`import data.${LIB}`] : []
  return [[...metadata, `package ${module.name}`].join('\n'), ...imports]
}

/** No policy and no data has anything under it. */
const NOWHERE = 'data.nowhere'

function ruleText(rule: Rule, spelling: Spelling): string {
  const { shape, head, value, body, otherwise } = rule
  const moved = headOf(rule, spelling)
  const parts = [
    ...branch(shape, { value, body, more: moved.keys }, spelling),
    ...otherwise.flatMap((one) => [' else', ...branch(shape, { ...one, more: [] }, spelling)]),
  ]
  const start = shape === 'default' ? 'default ' : ''
  return anonymous(start + (moved.text ?? print(head, spelling, 0)) + parts.join(''))
}

/** OPA moves the keys of a head into the body, where its index looks at them: here they go before it does. */
function headOf(
  { shape, head }: Rule,
  spelling: Spelling,
): { readonly text?: string; readonly keys: readonly Expression[] } {
  const keys: Expression[] = []
  if (shape !== 'member' || spelling.unindexed !== true) return { keys }
  const parts = head.parts.map((part): Part => {
    if (typeof part !== 'object' || !('parts' in part)) return part
    const name = `key_${keys.length}`
    keys.push({ term: term(`${name} := `, part) })
    return name
  })
  return { text: print({ parts }, spelling, 0), keys }
}

/** What is added to a body stands on its last line: places stay what they are. */
function branch(
  shape: Rule['shape'],
  {
    value,
    body,
    more,
  }: {
    readonly value?: Term | undefined
    readonly body: Body
    readonly more: readonly Expression[]
  },
  spelling: Spelling,
): string[] {
  const text = value === undefined ? undefined : print(value, spelling, 1)
  const lines = body.map((one, at) => lineFor(one, spelling, at))
  const added = more.map((one) => lineFor(one, spelling, 0))
  const open = spelling.open === true && (shape === 'value' || shape === 'function')
  const moved = spelling.unindexed === true && shape !== 'default' && CALCULATED.test(text ?? '')
  if (!open && !moved) {
    const given = text === undefined ? '' : ` := ${text}`
    return [given, lines.length + added.length === 0 ? '' : ` if ${braces(lines, added)}`]
  }
  const last = lineFor({ term: term(`opened := ${text ?? 'true'}`) }, spelling, 0)
  return [' := opened if ', braces(lines, [...added, last])]
}

/** In a value that the policy has to find out; in some texts, too, which does no harm. */
const CALCULATED = /input|data|lib\.|\br[0-9]|v_[0-9]|\(/

/** OPA takes references out of the operands of an expression; what it takes them to has the expression's `with`. */
function lineFor(one: Expression, spelling: Spelling, at: number): string {
  if (spelling.unindexed !== true) return expressionText(one, spelling, 1)
  const unseen = `with ${NOWHERE} as 0`
  const text = statementText(one.term, spelling, 1)
  if (one.replaced === undefined) return `${detached(text)} ${unseen}`
  const { target, value } = one.replaced
  const name = `replaced_${at}`
  const first = `${name} := ${print(value, spelling, 1)} ${unseen}`
  return `${first}; ${text} with ${target} as ${name} ${unseen}`
}

function expressionText({ term, replaced }: Expression, spelling: Spelling, depth: number): string {
  const text = detached(statementText(term, spelling, depth))
  if (replaced === undefined) return text
  return `${text} with ${replaced.target} as ${print(replaced.value, spelling, depth)}`
}

/** A minus at the beginning of a line would belong to the line before. */
function detached(text: string): string {
  return text.replace(/^-[0-9.eE+]+/, '($&)')
}

/** A term whose value nothing takes. */
function statementText(whole: Term, spelling: Spelling, depth: number): string {
  if (spelling.used !== true) return print(whole, spelling, depth)
  if (whole.is === 'comprehension') return '0'
  const inner = whole.is !== undefined || whole.parts.length === 1
  if (!inner) return print(whole, spelling, depth)
  return whole.parts
    .map((part) =>
      typeof part === 'object' && 'parts' in part
        ? statementText(part, spelling, depth)
        : partText(part, spelling, depth),
    )
    .join('')
}

function print(whole: Term, spelling: Spelling, depth: number): string {
  const text = whole.parts.map((part) => partText(part, spelling, depth)).join('')
  return whole.decodes === true && spelling.utf8 === true ? `${UTF8}(${text})` : text
}

function partText(part: Part, spelling: Spelling, depth: number): string {
  if (typeof part === 'string') return part
  if ('parts' in part) return print(part, spelling, depth)
  if ('rule' in part) return ruleReference(part.rule, spelling, depth)
  if ('number' in part) return spelling.plain === true ? part.plain : part.number
  const indent = '\t'.repeat(depth + 1)
  const lines = part.lines.map((one) => `${indent}${expressionText(one, spelling, depth + 1)}\n`)
  const text = `\n${lines.join('')}${'\t'.repeat(depth)}`
  return part.once === true && spelling.open === true ? ` count([0 |${text}]) > 0 ` : text
}

/** A comprehension ends before anything else is evaluated. */
function ruleReference(rule: string | Term, spelling: Spelling, depth: number): string {
  const text = typeof rule === 'string' ? rule : print(rule, spelling, depth)
  return spelling.whole === true ? `[whole | whole := ${text}][0]` : text
}

function braces(lines: readonly string[], added: readonly string[]): string {
  if (lines.length === 0) return `{ ${added.join('; ')} }`
  const all = [...lines.slice(0, -1), [lines.at(-1), ...added].join('; ')]
  return `{\n${all.map((line) => `\t${line}\n`).join('')}}`
}

/** Strict mode refuses a variable that is declared and not used: one that stands alone loses its name. */
function anonymous(text: string): string {
  const counts = new Map<string, number>()
  for (const [name] of text.matchAll(VARIABLE)) counts.set(name, (counts.get(name) ?? 0) + 1)
  const alone = (name: string): boolean => counts.get(name) === 1
  return text
    .replace(ASSIGNED, (found, name: string) => (alone(name) ? '_ = ' : found))
    .replace(VARIABLE, (name) => (alone(name) ? '_' : name))
}

const VARIABLE = /\bv_[0-9]+\b/g
const ASSIGNED = /\b(v_[0-9]+) := /g
