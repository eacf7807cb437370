import { proveLinear } from './determinism.ts'
import { isNullable } from './program.ts'
import type { Ranges } from './ranges.ts'
import type { Meter, RegexNode, RegexSyntax } from './syntax.ts'
import { ASSERTION } from './syntax.ts'

/** A pattern for the engine of JavaScript, where that gives the same answers in linear time. */
export type NativePattern = {
  /** Without groups. */
  readonly test: RegExp
  /** With groups; undefined where JavaScript's would hold something else. */
  readonly search: RegExp | undefined
  /** For each character of a text, in units of work. */
  readonly cost: number
}

/** Longer texts go elsewhere: what the engine remembers on its way back grows with them. */
export const NATIVE_TEXT_LENGTH_MAX = 65_536

/**
 * Translates a pattern for JavaScript, or gives undefined where no proof shows that its engine, which tries one way
 * after the other, takes linear time. The translation leaves nothing to flags or tables of the engine: case and named
 * classes are written out as code points.
 */
export function nativePattern(
  syntax: RegexSyntax,
  {
    anchored,
    assertions,
    meter,
  }: { readonly anchored: boolean; readonly assertions: number; readonly meter: Meter },
): NativePattern | undefined {
  // It takes a look behind, which some browsers do not know.
  if ((assertions & ASSERTION.beginLine) !== 0) return undefined
  // Between the halves of a surrogate pair JavaScript finds what is empty; RE2 does not look there.
  if (!anchored && isNullable(syntax.node)) return undefined
  const proof = proveLinear(syntax.node, anchored, meter)
  if (proof === null) return undefined
  // Sticky, so that a pattern that is bound to the start of the text is tried there only.
  const plain = translate(syntax.node, { groups: false })
  meter.work(8 * plain.length)
  if (plain.length > SOURCE_LENGTH_MAX) return undefined
  const same = syntax.groups.length === 1 || groupsAgree(syntax.node, GROUPS_FREE)
  return {
    test: new RegExp(plain, anchored ? 'uy' : 'u'),
    search: same
      ? new RegExp(translate(syntax.node, { groups: true }), anchored ? 'uy' : 'ug')
      : undefined,
    // About a nanosecond for each step; a text made for it costs all of them at each character.
    cost: (8 + proof.waste + proof.ways) / 64,
  }
}

/** Code of a pattern with large classes is slow to make. */
const SOURCE_LENGTH_MAX = 2000

type Form = { readonly groups: boolean }

function translate(node: RegexNode, form: Form): string {
  switch (node.kind) {
    case 'empty':
      return '(?:)'
    case 'class':
      return classSource(node.ranges)
    case 'assertion':
      return ASSERTION_SOURCES.get(node.assertion) ?? ''
    case 'concat':
      return node.parts.map((part) => translate(part, form)).join('')
    case 'alternation':
      return `(?:${node.parts.map((part) => translate(part, form)).join('|')})`
    case 'group':
      return `(${form.groups ? '' : '?:'}${translate(node.body, form)})`
    case 'repeat': {
      const most = node.most === Infinity ? '' : node.most
      const lazy = node.greedy ? '' : '?'
      return `(?:${translate(node.body, form)}){${node.least},${most}}${lazy}`
    }
  }
}

const ASSERTION_SOURCES: ReadonlyMap<number, string> = new Map([
  [ASSERTION.beginText, '^'],
  [ASSERTION.endText, '$'],
  // The line end alone, unlike what JavaScript's flag takes for one.
  [ASSERTION.endLine, '(?![^\\n])'],
  [ASSERTION.wordBoundary, '\\b'],
  [ASSERTION.noWordBoundary, '\\B'],
])

function classSource(ranges: Ranges): string {
  const [first = 0, last = 0] = ranges
  if (ranges.length === 2 && first === last) return pointSource(first)
  let source = ''
  for (let at = 0; at < ranges.length; at += 2) {
    const [from = 0, to = 0] = [ranges[at], ranges[at + 1]]
    source += from === to ? pointSource(from) : `${pointSource(from)}-${pointSource(to)}`
  }
  return `[${source}]`
}

function pointSource(point: number): string {
  const character = String.fromCodePoint(point)
  return /[0-9A-Za-z]/.test(character) ? character : `\\u{${point.toString(16)}}`
}

type GroupPlace = { readonly repeated: boolean; readonly sure: boolean }

const GROUPS_FREE: GroupPlace = { repeated: false, sure: true }

/**
 * Whether groups hold the same in JavaScript, which forgets a group at each turn of a repetition around it, and in
 * RE2, which keeps what an earlier turn found: they do where each turn sets the group.
 */
function groupsAgree(node: RegexNode, place: GroupPlace): boolean {
  switch (node.kind) {
    case 'concat':
      return node.parts.every((part) => groupsAgree(part, place))
    case 'alternation':
      return node.parts.every((part) => groupsAgree(part, { ...place, sure: false }))
    case 'group':
      return (!place.repeated || place.sure) && groupsAgree(node.body, place)
    case 'repeat':
      // Only what lies between the repetition and the group matters.
      if (!place.repeated) {
        return groupsAgree(node.body, { repeated: node.most > 1, sure: true })
      }
      return groupsAgree(node.body, { repeated: true, sure: place.sure && node.least > 0 })
    default:
      return true
  }
}
