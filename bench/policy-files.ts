import { type BenchRule, type BenchTest, type BenchTool, rulesOf, UNRULED } from './rules.ts'

export const PROJECT = 'bench'
export const AGENTS: readonly string[] = ['billing-agent', 'data-agent', 'mail-agent', 'ops-agent']

/** Which Rego package stands beside the rules: none, one about every action, or one about none of them. */
export type RegoChoice = 'none' | 'every' | 'elsewhere'

/** A policy repository with `count` rules, path to text. */
export function policyFiles(count: number, rego: RegoChoice): ReadonlyMap<string, string> {
  const rules = rulesOf(count)
  const files = new Map<string, string>([
    ['countersign.yaml', PROJECT_FILE],
    ['policies/roster.yaml', ROSTER_FILE],
    ['policies/routes/default.yaml', ROUTES_FILE],
  ])
  const tools = [...rules.flatMap(({ on }) => (on === null ? [] : [on])), ...UNRULED]
  for (const agent of AGENTS) files.set(`policies/agents/${agent}.yaml`, agentFile(agent, tools))
  for (const [service, ofService] of groupBy(tools, ({ service }) => service)) {
    files.set(`policies/tools/${service}.yaml`, toolsFile(service, ofService))
  }
  for (const [service, ofService] of groupBy(rules, ({ on }) => on?.service ?? 'shared')) {
    files.set(`policies/guardrails/${service}.yaml`, guardrailsFile(ofService))
  }
  if (rego !== 'none') files.set('policies/rego/bench_limits.rego', regoPackage(rego, 'ours'))
  return files
}

/**
 * The Rego package that stands beside the YAML rules, and in the peer's policy too. With us the metadata select the
 * actions; the peer, which does not know them, asks in each rule's first line.
 */
export function regoPackage(rego: 'every' | 'elsewhere', side: 'ours' | 'peer'): string {
  const service = rego === 'every' ? "'*'" : 'nowhere'
  const guard =
    rego === 'elsewhere' && side === 'peer' ? '\n\tinput.action.service == "nowhere"' : ''
  return `# METADATA
# custom:
#   on: { service: ${service} }
package countersign.bench_limits

limits := {"EUR": 900, "USD": 950, "GBP": 800}

deny contains {"msg": "the currency is not one that we trade in"} if {${guard}
	input.action.payload.amount
	not limits[input.action.payload.currency]
}

deny contains {"msg": concat(" ", ["too many of", item.id])} if {${guard}
	some item in input.action.payload.items
	item.quantity > 40
}

hold contains {"msg": "the amount is over the limit of its currency"} if {${guard}
	input.action.payload.amount > limits[input.action.payload.currency]
}

hold contains {"msg": "a person must see what leaves the house"} if {${guard}
	some word in ["confidential", "internal only"]
	contains(lower(input.action.payload.note), word)
}
`
}

const PROJECT_FILE = `apiVersion: countersign/v1
kind: Project
project: ${PROJECT}
defaults: { low: allow, medium: allow, high: allow, critical: hold }
`

const ROSTER_FILE = `apiVersion: countersign/v1
kind: Roster
people:
  - id: ana
    roles: [lead]
    keys:
      - fingerprint: SHA256:${'A'.repeat(43)}
`

const ROUTES_FILE = `apiVersion: countersign/v1
kind: Routes
routes:
  - id: default
    roles: [lead]
    time_out: 30m
`

function agentFile(agent: string, tools: readonly BenchTool[]): string {
  const services = [...new Set(tools.map(({ service }) => service))]
  return `apiVersion: countersign/v1
kind: Agent
agent: ${agent}
scopes:
  - tools: ${JSON.stringify(services.map((service) => `${service}.*`))}
`
}

function toolsFile(service: string, tools: readonly BenchTool[]): string {
  const lines = tools.map(
    ({ action }) => `  ${action}: { effect: ${service === 'reading' ? 'read' : 'write'} }\n`,
  )
  return `apiVersion: countersign/v1
kind: Tools
service: ${service}
tools:
${lines.join('')}`
}

function guardrailsFile(rules: readonly BenchRule[]): string {
  return `apiVersion: countersign/v1
kind: Guardrails
rules:
${rules.map(ruleText).join('')}`
}

function ruleText({ id, on, verdict, test }: BenchRule): string {
  const selector = on === null ? '' : `    on: { service: ${on.service}, action: ${on.action} }\n`
  return `  - id: ${id}\n${selector}    ${testText(test)}\n    then: ${verdict}\n`
}

/** JSON is YAML: it quotes what must be quoted. */
function testText(test: BenchTest): string {
  switch (test.kind) {
    case 'above':
    case 'longer_than':
      return `pattern: ${JSON.stringify({ path: test.path, [test.kind]: test.bound })}`
    case 'matches':
      return `pattern: ${JSON.stringify({ path: test.path, matches: test.pattern })}`
    case 'one_of':
      return `pattern: ${JSON.stringify({ path: test.path, one_of: test.values })}`
    case 'every_none_of':
      return `when: ${JSON.stringify([{ path: test.path, none_of: test.values }])}`
    case 'velocity':
      return `velocity: { limit: ${test.limit}, per: ${test.per}, by: [agent, payload.user_id] }`
  }
}

function groupBy<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(items, nameOf)
}
