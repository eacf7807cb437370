import { joinPointer } from '../../base/pointer.ts'
import type { Place, Selector, ToolFacts, Tools } from '../../model/generated/types.ts'
import { phasesOf } from './changes.ts'
import { pathProblem } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import type { KnownTool } from './references.ts'
import { toolTest } from './references.ts'
import type { PackageDraft } from './rego.ts'
import type { Report } from './report.ts'
import { suggestion } from './report.ts'

/** Checks what a Tools file alone says: fields that hold a class of data, and drafts. */
export function checkToolFields(entry: Entry<Tools>, report: Report): void {
  for (const [action, tool] of Object.entries(entry.value.tools)) {
    const at = joinPointer('/tools', action)
    for (const path of Object.keys(tool.classes ?? {})) {
      const problem = pathProblem(path, ['payload'], true)
      const place = entry.keyAt(joinPointer(`${at}/classes`, path))
      if (problem !== null) report.error(place, 'PATH_INVALID', problem)
    }
    tool.detokenise?.forEach((path, index) => {
      const problem = pathProblem(path, ['payload'])
      const place = entry.at(`${at}/detokenise/${index}`)
      if (problem !== null) report.error(place, 'PATH_INVALID', problem)
    })
    if (tool.draft !== undefined && tool.automate === undefined) {
      const message = '"draft" says what an agent may do instead; it needs "automate: never"'
      report.error(entry.keyAt(`${at}/draft`), 'VALUE_INVALID', message)
    }
  }
}

/**
 * Warns of rules and packages that hold what no review can open, and refuses drafts that an agent could not make: the
 * draft of something that is never automated must be a tool that is.
 */
export function checkNeverAutomated(
  documents: Documents,
  packages: readonly PackageDraft[],
  report: Report,
): void {
  const { names, all, never } = toolsOf(documents)
  for (const { draft, place } of draftsOf(documents)) {
    const tool = all.find(({ name }) => name === draft)
    if (tool === undefined) {
      const message = `no Tools file names a tool ${JSON.stringify(draft)}${suggestion(draft, names)}`
      report.warn(place, 'REFERENCE_UNKNOWN', message)
    } else if (never.has(tool.name)) {
      const message = `${draft} is never automated itself; name a tool that an agent may call`
      report.error(place, 'VALUE_INVALID', message)
    } else if (tool.effect === 'irreversible') {
      const message = `${draft} is irreversible, so it is no draft; name a tool whose effect can be taken back`
      report.warn(place, 'VALUE_INVALID', message)
    }
  }
  if (never.size === 0) return
  for (const { selector, place, route } of holdsOf(documents, packages)) {
    const selected = all.filter(toolTest(selector))
    if (selected.length === 0 || !selected.every(({ name }) => never.has(name))) continue
    const message = `every tool that this holds is never automated: no review on route ${JSON.stringify(route)} opens it; deny, or leave the rule out`
    report.warn(place, 'NEVER_AUTOMATED', message)
  }
}

type NamedTool = KnownTool & { readonly name: string; readonly automate: ToolFacts['automate'] }

function toolsOf({ tools, rules }: Documents): {
  readonly names: readonly string[]
  readonly all: readonly NamedTool[]
  readonly never: ReadonlySet<string>
} {
  const all = tools.flatMap(({ value: { service, tools: own } }) =>
    Object.entries(own).map(([action, { effect, automate }]) => ({
      name: `${service}.${action}`,
      service,
      action,
      effect,
      automate,
    })),
  )
  // A rule that also looks at agents, priorities or fields keeps a tool from some calls only.
  const selectors = rules.flatMap(({ value }) => {
    const { on = {}, when, never_automate: settings } = value
    const wide = Object.keys(on).every((key) => TOOL_KEYS.has(key)) && when === undefined
    return settings !== undefined && wide && phasesOf(value).includes('call') ? [on] : []
  })
  const kept = all.filter(
    (tool) => tool.automate === 'never' || selectors.some((selector) => toolTest(selector)(tool)),
  )
  return {
    names: all.map(({ name }) => name),
    all,
    never: new Set(kept.map(({ name }) => name)),
  }
}

const TOOL_KEYS: ReadonlySet<string> = new Set(['service', 'action', 'effect', 'phase'])

type Draft = { readonly draft: string; readonly place: Place }

function draftsOf({ tools, rules }: Documents): Draft[] {
  const ofTools = tools.flatMap((entry) =>
    Object.entries(entry.value.tools).flatMap(([action, { draft }]) =>
      draft === undefined
        ? []
        : [{ draft, place: entry.at(`${joinPointer('/tools', action)}/draft`) }],
    ),
  )
  const ofRules = rules.flatMap((entry) => {
    const draft = entry.value.never_automate?.draft
    return draft === undefined ? [] : [{ draft, place: entry.at('/never_automate/draft') }]
  })
  return [...ofTools, ...ofRules]
}

type Hold = { readonly selector: Selector; readonly place: Place; readonly route: string }

function holdsOf({ rules }: Documents, packages: readonly PackageDraft[]): Hold[] {
  const ofRules = rules.flatMap((entry) => {
    const { then, on = {}, route = 'default' } = entry.value
    return then === 'hold' ? [{ selector: on, place: entry.at('/then'), route }] : []
  })
  const ofPackages = packages.flatMap(({ metadata, rules: own }) => {
    const hold = own.find(({ name }) => name === 'hold')
    const { on = {}, route = 'default' } = metadata
    return hold === undefined ? [] : [{ selector: on, place: hold.place, route }]
  })
  return [...ofRules, ...ofPackages]
}
