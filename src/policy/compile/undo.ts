import { COMMITMENT_KEYS } from '../../base/commitments.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { parsePath } from '../../base/path.ts'
import { assertPlainJson } from '../../base/plain-json.ts'
import { joinPointer } from '../../base/pointer.ts'
import { compareText } from '../../base/position.ts'
import type {
  CompiledTool,
  CompiledUndo,
  CompiledUndoField,
  ToolFacts,
  Tools,
  Undo,
} from '../../model/generated/types.ts'
import { durationProblem, pathProblem } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import type { Report } from './report.ts'
import { suggestion } from './report.ts'

/** Checks what the undos of one Tools file say by themselves: where each field comes from, and until when. */
export function checkUndoFields(entry: Entry<Tools>, report: Report): void {
  for (const { undo, at } of undosOf(entry)) {
    for (const [field, { from, value }] of Object.entries(undo.payload)) {
      const place = joinPointer(`${at}/payload`, field)
      const problem = from === undefined ? null : fromProblem(from)
      if (problem !== null) report.error(entry.at(`${place}/from`), 'PATH_INVALID', problem)
      const unjudged = fieldProblem(field, value ?? null)
      if (unjudged !== null) report.error(entry.keyAt(place), 'VALUE_INVALID', unjudged)
      const has = (name: string) => Object.hasOwn(undo.payload[field] ?? {}, name)
      if (has('from') === has('value')) {
        const found = has('from') ? 'both' : 'none'
        const message = `expected exactly one of "from" and "value", found ${found}`
        report.error(entry.keyAt(place), has('from') ? 'VALUE_INVALID' : 'KEY_MISSING', message)
      }
    }
    const problem = undo.within === undefined ? null : durationProblem(undo.within)
    if (problem !== null) report.error(entry.at(`${at}/within`), 'DURATION_INVALID', problem)
  }
}

/** Refuses undos by a tool that no file names or that no agent may call, and of what cannot or need not be undone. */
export function checkUndos({ tools }: Documents, report: Report): void {
  const facts: ReadonlyMap<string, ToolFacts> = new Map(
    tools.flatMap(({ value: { service, tools: own } }) =>
      Object.entries(own).map(([action, tool]) => [`${service}.${action}`, tool]),
    ),
  )
  for (const entry of tools) {
    for (const { undo, at, action, tool } of undosOf(entry)) {
      const { service } = entry.value
      const name = `${service}.${action}`
      const by = `${undo.service ?? service}.${undo.action}`
      const refuse = (message: string) => report.error(entry.keyAt(at), 'VALUE_INVALID', message)
      if (tool.effect !== 'write') refuse(NOT_UNDONE[tool.effect](name))
      if (by === name) {
        refuse(`${name} cannot take itself back; name the tool that does`)
        continue
      }
      const known = facts.get(by)
      if (known === undefined) {
        const message = `no Tools file names a tool ${JSON.stringify(by)}${suggestion(by, facts.keys())}`
        report.error(entry.at(`${at}/action`), 'REFERENCE_UNKNOWN', message)
      } else if (known.automate === 'never') {
        refuse(`${by} is never automated, so nothing could be rolled back with it`)
      } else {
        const bared = (tool.private ?? []).filter((name) => known.private?.includes(name) !== true)
        if (bared.length === 0) continue
        const message = `${by} does not hide what ${name} hides: receipts of rollbacks would show it; give it "private: [${bared.join(', ')}]"`
        report.warn(entry.at(`${at}/action`), 'VALUE_INVALID', message)
      }
    }
  }
}

/** What takes a call of a tool back; nothing where its file does not say. */
export function compileUndo({ service }: Tools, { undo }: ToolFacts): Pick<CompiledTool, 'undo'> {
  if (undo === undefined) return {}
  const payload = Object.entries(undo.payload)
    .map(([field, { from, value }]): CompiledUndoField => {
      return from === undefined ? { field, value: value as JsonValue } : { field, from }
    })
    .sort((a, b) => compareText(a.field, b.field))
  const compiled: CompiledUndo = {
    service: undo.service ?? service,
    action: undo.action,
    payload,
    within: undo.within ?? null,
  }
  return { undo: compiled }
}

const NOT_UNDONE = {
  irreversible: (name: string) =>
    `${name} is irreversible, so nothing takes it back; leave "undo" out, or say "effect: write"`,
  read: (name: string) => `${name} changes nothing; leave "undo" out`,
} as const

function fromProblem(text: string): string | null {
  const problem = pathProblem(text, ['payload', 'result'])
  if (problem !== null) return problem
  const many = parsePath(text).segments.some(({ kind }) => kind === 'each')
  return many ? `path ${JSON.stringify(text)}: expected one value, not each of a list` : null
}

/** Why no call can have such a field: each rollback would be refused. */
function fieldProblem(field: string, value: unknown): string | null {
  try {
    assertPlainJson({ [field]: value }, { reservedKeys: COMMITMENT_KEYS })
    return null
  } catch (error) {
    if (error instanceof PolicyError) return error.message
    throw error
  }
}

type Declared = {
  readonly undo: Undo
  readonly at: string
  readonly action: string
  readonly tool: ToolFacts
}

function undosOf({ value }: Entry<Tools>): Declared[] {
  return Object.entries(value.tools).flatMap(([action, tool]) => {
    const at = `${joinPointer('/tools', action)}/undo`
    return tool.undo === undefined ? [] : [{ undo: tool.undo, at, action, tool }]
  })
}
