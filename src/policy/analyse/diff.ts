import type { Place } from '../../model/generated/types.ts'
import type { PolicyChange, PolicyPart } from '../../model/policy-diff.ts'
import type { Documents } from '../compile/index.ts'
import { compareAgentLists } from './diff-agents.ts'
import { baselineName, compareBaselineLists } from './diff-baselines.ts'
import type { Places, Sides } from './diff-parts.ts'
import { comparePeople } from './diff-people.ts'
import { compareProjects } from './diff-project.ts'
import { compareRego } from './diff-rego.ts'
import { compareRouteLists } from './diff-routes.ts'
import { compareRuleLists } from './diff-rules.ts'
import { compareToolLists } from './diff-tools.ts'
import { compareReleaseLists } from './release-diff.ts'

/**
 * What a change of a policy means, part by part: the project, agents, tools, rules, Rego, routes, people, baselines, releases, each in order
 * of their names. A part that only moved is not listed.
 */
export function comparePolicies(sides: Sides): PolicyChange[] {
  return [
    ...compareProjects(sides),
    ...compareAgentLists(sides),
    ...compareToolLists(sides),
    ...compareRuleLists(sides),
    ...compareRego(sides),
    ...compareRouteLists(sides),
    ...comparePeople(sides),
    ...compareBaselineLists(sides),
    ...compareReleaseLists(sides),
  ]
}

/** Places as the documents of a policy repository have them: of single settings too. */
export function placesOf(documents: Documents): Places {
  const [project] = documents.projects
  const rules = byName(documents.rules, ({ id }) => id)
  const routes = byName(documents.routes, ({ id }) => id)
  const people = byName(documents.people, ({ id }) => id)
  const agents = byName(documents.agents, ({ agent }) => agent)
  const entries: Readonly<Partial<Record<PolicyPart, ReadonlyMap<string, Entry<unknown>>>>> = {
    rule: rules,
    route: routes,
    person: people,
    agent: agents,
    baseline: byName(documents.baselines, baselineName),
    release: byName(documents.releases, ({ release }) => release),
  }
  return {
    at(part, id, pointer): Place | null {
      if (part === 'project') return project === undefined ? null : project.at(pointer)
      const entry = entries[part]?.get(id)
      return entry === undefined || (pointer === '' && part === 'agent') ? null : entry.at(pointer)
    },
  }
}

/** A part of a document that knows where it is written. */
type Entry<T> = { readonly value: T; at(pointer?: string): Place }

function byName<T>(entries: readonly Entry<T>[], nameOf: (value: T) => string) {
  return new Map(entries.map((entry) => [nameOf(entry.value), entry as Entry<unknown>]))
}
