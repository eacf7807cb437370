import type { Observer } from '../../decide/rego/engine/evaluation.ts'
import { nestedIn } from '../../decide/rego/plan/analyse-locals.ts'
import type { Block, Operand, Plan, PlanFunction } from '../../decide/rego/plan/plan.ts'
import { valueText } from '../../decide/rego/values/text.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import { isObject, objectGet } from '../../decide/rego/values/value.ts'
import type { Trace, TracedRule } from '../../model/results.ts'
import { placeOf } from './rego-profile.ts'

/** Remembers what an evaluation does, as far as a person wants to read it. */
export function createTrace(
  plan: Plan,
  documents: { readonly input: Value | undefined; readonly data: Value },
): { readonly observer: Observer; report(): Trace } {
  const top: Draft = { called: null, value: undefined, lines: [] }
  const stack: Draft[] = [top]
  let lines = 0
  const lineAt = (site: number): LineDraft | undefined => {
    const draft = stack.at(-1)
    const place = plan.sites[site]
    if (draft === undefined || place === undefined) return undefined
    const last = draft.lines.at(-1)
    if (last?.held && last.file === place.file && last.line === place.row) {
      return last
    }
    if (lines >= LINES_MAX) return undefined
    lines += 1
    const line: LineDraft = { file: place.file, line: place.row, held: true, rules: [] }
    draft.lines.push(line)
    return line
  }
  return {
    observer: {
      enter: (called) => void stack.push({ called, value: undefined, lines: [] }),
      leave(_, value) {
        const draft = stack.pop()
        if (draft === undefined) return
        draft.value = value
        const around = stack.at(-1)
        const line = around?.lines.at(-1)
        if (line !== undefined) line.rules.push(draft)
        else around?.lines.push({ file: '', line: 0, held: true, rules: [draft] })
      },
      visit: (site) => void lineAt(site),
      fail(site) {
        const line = lineAt(site)
        if (line !== undefined) line.held = false
      },
    },
    report: () => ({
      rules: top.lines.flatMap(({ rules }) => rules.map((rule) => finished(plan, documents, rule))),
      cut: lines >= LINES_MAX,
    }),
  }
}

/** More than a person reads. */
const LINES_MAX = 20_000
const VALUE_LENGTH_MAX = 200

type Draft = { readonly called: PlanFunction | null; value: Value | undefined; lines: LineDraft[] }

type LineDraft = {
  readonly file: string
  readonly line: number
  held: boolean
  readonly rules: Draft[]
}

type Documents = { readonly input: Value | undefined; readonly data: Value }

function finished(plan: Plan, documents: Documents, draft: Draft): TracedRule {
  const { called } = draft
  const place = called === null ? { rule: '', file: '', line: 0 } : placeOf(plan, called)
  const reads = called === null ? new Map<string, never>() : readsByLine(plan, called)
  return {
    ...place,
    value: draft.value === undefined ? null : clipped(draft.value),
    steps: draft.lines.map(({ file, line, held, rules }) => ({
      file,
      line,
      held,
      reads: [...(reads.get(`${file}:${line}`) ?? [])].flatMap((path) => readAt(documents, path)),
      rules: rules.map((rule) => finished(plan, documents, rule)),
    })),
  }
}

function clipped(value: Value): string {
  const text = valueText(value)
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}...` : text
}

/** The document's name and the names below it. */
type Path = readonly [root: 'input' | 'data', ...names: string[]]

function readAt(
  documents: Documents,
  path: Path,
): readonly { readonly path: string; readonly value: string }[] {
  const [root, ...names] = path
  let value: Value | undefined = documents[root]
  for (const name of names) value = isObject(value) ? objectGet(value, name) : undefined
  const text = path.join('.')
  return [{ path: text, value: value === undefined ? 'undefined' : clipped(value) }]
}

/** The longest paths that each line of a function reads. */
function readsByLine(plan: Plan, called: PlanFunction): ReadonlyMap<string, readonly Path[]> {
  const found = new Map<string, Path[]>()
  const paths = new Map<number, Path>()
  const [input = 0, data = 1] = called.parameters
  paths.set(input, ['input'])
  paths.set(data, ['data'])
  const walk = (block: Block): void => {
    for (const statement of block) {
      if (statement.op === 'dot') {
        const path = dotted(paths, statement.source, statement.key)
        if (path === undefined) paths.delete(statement.target)
        else {
          paths.set(statement.target, path)
          note(found, plan, statement.site, path)
        }
      }
      for (const nested of nestedIn(statement)) walk(nested)
    }
  }
  for (const block of called.blocks) walk(block)
  return found
}

function dotted(paths: ReadonlyMap<number, Path>, source: Operand, key: Operand): Path | undefined {
  const path = 'local' in source ? paths.get(source.local) : undefined
  const name = 'constant' in key ? key.constant : undefined
  return path === undefined || typeof name !== 'string' ? undefined : [...path, name]
}

function note(found: Map<string, Path[]>, plan: Plan, site: number, path: Path): void {
  const place = plan.sites[site]
  if (place === undefined) return
  const key = `${place.file}:${place.row}`
  const before = (found.get(key) ?? []).filter(
    (one) => !(one.length < path.length && one.every((name, at) => name === path[at])),
  )
  const known = before.some((one) => one.length === path.length && one.join('.') === path.join('.'))
  found.set(key, known ? before : [...before, path])
}
