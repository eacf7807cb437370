// Generated from schemas/ by `npm run generate`. Do not edit.


/**
 * A name: letters, digits, `_`, `.`, `-`; at most 128 characters.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__name".
 */
export type Name = string
/**
 * How much is at stake. The higher of the caller's and the policy's counts.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__priority".
 */
export type Priority = ("low" | "medium" | "high" | "critical")
/**
 * `call`: what an agent wants to do. `result`: what came back of it.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__phase".
 */
export type PhaseWord = ("call" | "result")
/**
 * `service.action`, each part a glob.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__tool".
 */
export type Tool = string
/**
 * A name in which `*` stands for any run of characters.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__glob".
 */
export type Glob = string
/**
 * One glob or a list of them; one match is enough.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__globs".
 */
export type Globs = (Glob | Glob[])
/**
 * `category/what-is-wrong`, lower-case kebab.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__rule_id".
 */
export type RuleId = string
/**
 * A route, lower-case kebab.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__route_id".
 */
export type RouteId = string
/**
 * A span of time: numbers with `ms`, `s`, `m`, `h` or `d`.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__duration".
 */
export type Duration = string
/**
 * An RFC 3339 date and time in UTC.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__time".
 */
export type Time = string
/**
 * A field of the action: `payload.amount`, `payload.items[].id`, `context.channel`, `agent`.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__path".
 */
export type Path = string
/**
 * allow < redact < hold < deny; the highest of all enforced findings wins.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__verdict".
 */
export type VerdictWord = ("allow" | "redact" | "hold" | "deny")
/**
 * `shadow` reports what a rule would say without changing the verdict. Default: `enforce`.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__mode".
 */
export type Mode = ("enforce" | "shadow")
/**
 * What a tool does to the world.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__effect".
 */
export type Effect = ("read" | "write" | "irreversible")
/**
 * `sha256:` and 64 hexadecimal digits.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__digest".
 */
export type DigestText = string
/**
 * An SSH key's fingerprint as `ssh-keygen -lf` prints it.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__fingerprint".
 */
export type KeyFingerprint = string
/**
 * A plain value.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__scalar".
 */
export type Scalar = (string | number | boolean | null)
/**
 * What to count separately: `agent`, `session`, `principal`, `role`, `service`, `action`, or a field such as `payload.user_id`. Default: `[agent]`, so that a new session resets nothing.
 * 
 * @minItems 1
 * @maxItems 8
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__by".
 */
export type By = Path[]
/**
 * `redact` puts a mask in a value's place, `tokenise` a token that is the same for the same value, `drop` leaves the value out.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__change".
 */
export type ChangeWord = ("redact" | "tokenise" | "drop")
/**
 * One entry of the receipt log: an in-toto Statement v1.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "receipt".
 */
export type Receipt = (DecisionReceipt | GenesisReceipt)

export interface Unused {

}
/**
 * What an agent wants to do.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "action".
 */
export interface Action {
project?: Name
agent: Name
/**
 * An opaque name of the run, chosen by the caller. Default: `default`.
 */
session?: string
/**
 * On whose behalf the agent acts. Default: nobody is named.
 */
principal?: string
role?: Name
/**
 * The service.
 */
service: string
/**
 * The action of that service.
 */
action: string
/**
 * The arguments. Default: empty.
 */
payload?: {
[k: string]: unknown
}
/**
 * What the host knows about the call. Default: empty.
 */
context?: {
[k: string]: unknown
}
priority?: Priority
/**
 * Digest of the agent's model and tool manifest. Default: none.
 */
fingerprint?: string
phase?: PhaseWord
/**
 * What the call gave: any JSON value. Only in the phase `result`, which needs it.
 */
result?: unknown
}
/**
 * What one agent may do: least privilege, by tool and role.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "agent".
 */
export interface Agent {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Agent` here; the folder does not matter.
 */
kind: "Agent"
agent: Name
/**
 * What the agent is for.
 */
about?: string
owner?: Name
/**
 * Approved fingerprints (model and tool manifest). An action that carries another one is held. Default: none is asked for.
 * 
 * @minItems 1
 * @maxItems 256
 */
fingerprints?: string[]
/**
 * Least privilege: a tool in no scope is denied.
 * 
 * @minItems 0
 * @maxItems 256
 */
scopes: Scope[]
}
export interface Scope {
/**
 * Tools that the agent may call.
 * 
 * @minItems 1
 * @maxItems 1024
 */
tools: Tool[]
/**
 * Roles of the credential in which it may. Default: every role.
 * 
 * @minItems 1
 * @maxItems 64
 */
roles?: Name[]
/**
 * Why the agent needs this.
 */
about?: string
}
/**
 * Names a bundle: its digest is SHA-256 over the RFC 8785 form of this document.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "bundle_manifest".
 */
export interface BundleManifest {
/**
 * Version of the bundle format. This version reads 1.
 */
format: number
project: Name
/**
 * The files, sorted by path.
 * 
 * @maxItems 50000
 */
files: ManifestFile[]
}
export interface ManifestFile {
/**
 * Path in the bundle.
 */
path: string
/**
 * Hexadecimal SHA-256.
 */
sha256: string
/**
 * Size.
 */
bytes: number
}
/**
 * Where in the policy repository something is written.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__place".
 */
export interface Place {
/**
 * Path relative to the repository.
 */
file: string
/**
 * Line, from 1.
 */
line: number
/**
 * Column, from 1.
 */
column: number
}
/**
 * A test of fields. Exactly one operator. It holds when any named value meets the operator, and, unless `if_missing` is `pass`, when a field is missing or of a type that cannot be compared: an omitted field never slips past a rule.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__field_test".
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_pattern".
 */
export interface FieldTest {
path?: Path
/**
 * Several fields, instead of `path`.
 * 
 * @minItems 1
 * @maxItems 64
 */
paths?: Path[]
/**
 * RE2 patterns; holds when one matches somewhere in the value.
 */
matches?: (string | string[])
/**
 * RE2 patterns; holds unless one of them matches.
 */
not_matches?: (string | string[])
equals?: Scalar
not_equals?: Scalar
/**
 * Holds when the value is in the list.
 * 
 * @minItems 1
 * @maxItems 4096
 */
one_of?: Scalar[]
/**
 * Holds when the value is not in the list.
 * 
 * @minItems 1
 * @maxItems 4096
 */
none_of?: Scalar[]
/**
 * Holds when the value is a larger number.
 */
above?: number
/**
 * Holds when the value is a smaller number.
 */
below?: number
/**
 * Holds when a text has more UTF-16 code units, or an array more elements.
 */
longer_than?: number
/**
 * What a missing or incomparable field does. Default: `find`, the test holds.
 */
if_missing?: ("find" | "pass")
}
/**
 * Which actions. Every key that is given must match; none given means every action.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__selector".
 */
export interface Selector {
service?: Globs
action?: Globs
agent?: Globs
role?: Globs
/**
 * Effects, from the Tools files. A tool that no Tools file names matches every effect.
 */
effect?: (Effect | Effect[])
/**
 * Priorities, after the policy has raised the caller's.
 */
priority?: (Priority | Priority[])
/**
 * Phases: the call, or what came back of it. Default: `call`.
 */
phase?: (PhaseWord | PhaseWord[])
}
/**
 * The documents of a policy repository, checked, defaults filled in and sorted; `countersign/policy.json` of a bundle.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "compiled_policy".
 */
export interface CompiledPolicy {
project: Name
defaults: {
low: ("allow" | "hold" | "deny")
medium: ("allow" | "hold" | "deny")
high: ("allow" | "hold" | "deny")
critical: ("allow" | "hold" | "deny")
}
unknown_tools: ("hold" | "deny")
valid_until: (Time | null)
evaluation_ms_max: number
evaluation_steps_max: number
evaluation_bytes_max: number
/**
 * All Rego packages, sorted by name, those that judge nothing included.
 */
rego_packages: RegoPackage[]
/**
 * The log's origin.
 */
log_origin: string
forge: {
kind: "local"
/**
 * Path.
 */
path: string
/**
 * Base branch.
 */
base: string
}
/**
 * Sorted by name.
 */
agents: CompiledAgent[]
/**
 * Sorted by service and action.
 */
tools: CompiledTool[]
/**
 * Sorted by id.
 */
rules: CompiledRule[]
/**
 * Sorted by package.
 */
rego: CompiledPackage[]
/**
 * Sorted by id.
 */
routes: CompiledRoute[]
/**
 * Sorted by id.
 */
people: CompiledPerson[]
}
export interface RegoPackage {
package: string
/**
 * Whether a built-in error denies. Else it is undefined.
 */
strict_builtin_errors: boolean
}
export interface CompiledAgent {
agent: Name
owner: (Name | null)
/**
 * Approved ones, sorted; empty when none is asked for.
 */
fingerprints: string[]
/**
 * Scopes.
 */
scopes: {
/**
 * Tools.
 */
tools: Tool[]
roles: (Name[] | null)
/**
 * File.
 */
file: string
line: number
column: number
}[]
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledTool {
service: Name
/**
 * The action.
 */
action: string
effect: Effect
priority: Priority
/**
 * Private fields.
 */
private: ("principal" | "session")[]
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledRule {
id: RuleId
/**
 * The guardrail kind; `every` for a rule without one.
 */
kind: string
about: (string | null)
on: Selector
/**
 * Further tests.
 */
when: FieldTest[]
/**
 * The kind's own settings, defaults filled in; empty for `every`.
 */
spec: {
[k: string]: unknown
}
then: ("redact" | "hold" | "deny")
/**
 * How fields are changed, where `then` is `redact`.
 */
change: (ChangeWord | null)
/**
 * Fields that a finding asks to change.
 */
obligations: CompiledObligation[]
route: (RouteId | null)
mode: Mode
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledObligation {
kind: ChangeWord
/**
 * Fields to mask.
 */
paths: Path[]
}
export interface CompiledPackage {
/**
 * Dotted, without `data.`.
 */
package: string
on: Selector
mode: Mode
route: (RouteId | null)
/**
 * Counters that `input.state.counters` gives, sorted by name.
 */
counters: {
name: Name
per: Duration
by: By
}[]
/**
 * The rules of the contract that the package defines, sorted.
 */
rules: {
name: ("deny" | "hold" | "redact" | "warn")
/**
 * Slash path.
 */
entrypoint: string
/**
 * File.
 */
file: string
line: number
column: number
}[]
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledRoute {
id: RouteId
/**
 * People on the roster, from names and roles, sorted.
 */
reviewers: Name[]
quorum: number
signature: "ssh"
time_out: Duration
/**
 * Fields shown in clear.
 */
show: Path[]
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledPerson {
id: Name
/**
 * Name to show.
 */
name: string
/**
 * Roles.
 */
roles: Name[]
/**
 * Pinned keys.
 */
keys: {
fingerprint: KeyFingerprint
valid_from: (Time | null)
valid_until: (Time | null)
revoked_at: (Time | null)
}[]
}
/**
 * An action in a test.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "decision_test__step".
 */
export interface TestStep {
agent?: Name
/**
 * The session.
 */
session?: string
/**
 * On whose behalf.
 */
principal?: string
role?: Name
/**
 * The service.
 */
service?: string
/**
 * The action.
 */
action?: string
/**
 * The arguments.
 */
payload?: {
[k: string]: unknown
}
/**
 * What the host knows about the call.
 */
context?: {
[k: string]: unknown
}
priority?: Priority
/**
 * The agent's fingerprint.
 */
fingerprint?: string
/**
 * When: a time, or a span after the test's start. Default: one second after the step before.
 */
at?: (Time | Duration)
phase?: PhaseWord
/**
 * What the call gave, in the phase `result`.
 */
result?: unknown
}
/**
 * Tests of a policy: an action, what came before it, and the verdict that it must get.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "decision_test".
 */
export interface DecisionTest {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `DecisionTest` here; the folder does not matter.
 */
kind: "DecisionTest"
/**
 * What these tests show.
 */
about?: string
start?: Time
defaults?: TestStep
/**
 * The tests.
 * 
 * @minItems 1
 * @maxItems 10000
 */
tests: DecisionTestCase[]
}
export interface DecisionTestCase {
/**
 * What is tested, in words.
 */
name: string
/**
 * Actions before, in order, in the same state.
 * 
 * @maxItems 4096
 */
given?: TestStep[]
action: TestStep
expect: Expectation
}
export interface Expectation {
verdict: VerdictWord
/**
 * Rules with a finding, exactly these in any order. Default: not looked at.
 */
rules?: string[]
/**
 * The routes, exactly these. Default: not looked at.
 */
route?: RouteId[]
}
/**
 * One rule. Without a kind it applies to every action that `on` and `when` select.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "guardrails__rule".
 */
export interface Rule {
id: RuleId
/**
 * What is wrong and why, for the person who reads the finding.
 */
about?: string
on?: Selector
/**
 * Further tests that must all hold. A test that cannot be decided holds. Default: none.
 * 
 * @minItems 1
 * @maxItems 32
 */
when?: FieldTest[]
scope?: ScopeRule
velocity?: VelocityRule
loop?: LoopRule
pattern?: FieldTest
flow?: FlowRule
/**
 * The verdict of a finding; `redact`, `tokenise` and `drop` change fields.
 */
then: ("redact" | "tokenise" | "drop" | "hold" | "deny")
/**
 * Fields to mask before the action runs, or before the agent sees the result. Needed with `then: redact` unless the kind finds them, allowed with `hold`.
 * 
 * @minItems 1
 * @maxItems 64
 */
redact?: Path[]
/**
 * Fields to put tokens in the place of. A token is the same for the same value, and the value is kept encrypted. Needed with `then: tokenise` unless the kind finds them, allowed with `hold`.
 * 
 * @minItems 1
 * @maxItems 64
 */
tokenise?: Path[]
/**
 * Fields to leave out. Needed with `then: drop` unless the kind finds them, allowed with `hold`.
 * 
 * @minItems 1
 * @maxItems 64
 */
drop?: Path[]
route?: RouteId
mode?: Mode
}
/**
 * Least privilege for whoever `on` selects: an agent, a role, or both.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_scope".
 */
export interface ScopeRule {
/**
 * The only tools that the selected actions may name; any other is a finding.
 * 
 * @minItems 1
 * @maxItems 1024
 */
tools: Tool[]
}
/**
 * Too many attempts in a sliding window. Every attempt counts, whatever came of it.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_velocity".
 */
export interface VelocityRule {
/**
 * Attempts that are still fine within the window.
 */
limit: number
per: Duration
by?: By
}
/**
 * The same call, or the same short cycle of calls, over and over.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_loop".
 */
export interface LoopRule {
/**
 * The run of equal calls, or equal cycles of calls, that is a finding.
 */
repeats: number
/**
 * Whether calls are equal when tool and arguments are, or when the tool is. Default: `arguments`.
 */
compare?: ("arguments" | "tool")
/**
 * The longest cycle looked for: 2 also finds a b a b. Default: 1.
 */
period_max?: number
by?: By
}
/**
 * An action that must not follow another: `after`, then what `on` selects.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_flow".
 */
export interface FlowRule {
after: Selector
within: Duration
by?: By
}
/**
 * Rules about actions. Rules only restrict: none can allow what another holds or denies.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "guardrails".
 */
export interface Guardrails {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Guardrails` here; the folder does not matter.
 */
kind: "Guardrails"
/**
 * The rules. Their order does not matter.
 * 
 * @minItems 1
 * @maxItems 20000
 */
rules: Rule[]
}
/**
 * What `decide` answers.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "outcome".
 */
export interface Outcome {
/**
 * The decision's id.
 */
decision: string
verdict: VerdictWord
/**
 * As in the verdict.
 */
findings: Finding[]
/**
 * As in the verdict.
 */
obligations: Obligation[]
/**
 * As in the verdict.
 */
route: RouteId[]
policy: DigestText
root: DigestText
receipt: ReceiptReference
evaluated_at: Time
/**
 * The payload to run with, obligations applied. Only when the verdict lets the action run.
 */
payload?: {
[k: string]: unknown
}
/**
 * The result to hand on, obligations applied. Only in the phase `result`, when the verdict lets it through.
 */
result?: unknown
request?: RequestReference
}
/**
 * One rule's word on one action.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "verdict__finding".
 */
export interface Finding {
/**
 * The rule's id. Rules of the engine itself start with `engine/`.
 */
rule: string
/**
 * The guardrail kind, `rego`, or `engine`.
 */
kind: string
verdict: VerdictWord
mode: Mode
/**
 * What was found. Holds no clear value.
 */
message: string
/**
 * The error code, when the finding is an error.
 */
code?: string
/**
 * Facts behind the finding: counts, limits, field names. Values stand as HMACs.
 */
evidence: {
[k: string]: unknown
}
route?: RouteId
/**
 * The file that the rule stands in; empty for the engine's own.
 */
file: string
/**
 * Line, from 1; 0 for the engine's own.
 */
line: number
/**
 * Column, from 1; 0 for the engine's own.
 */
column: number
}
/**
 * What must be done to the payload before the action runs, or to the result before the agent sees it.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "verdict__obligation".
 */
export interface Obligation {
kind: ChangeWord
/**
 * The fields.
 */
paths: Path[]
/**
 * The rule that asks for it.
 */
rule: string
/**
 * Only what is of these kinds within the fields is changed: kinds of personal data or secrets. Default: each field as a whole.
 * 
 * @minItems 1
 */
detect?: string[]
}
/**
 * Where the receipt stands.
 */
export interface ReceiptReference {
/**
 * Index in the log.
 */
index: number
/**
 * RFC 6962 leaf hash, hexadecimal.
 */
leaf_hash: string
/**
 * The log's origin.
 */
log: string
}
/**
 * The request that waits for people. Only when the verdict is hold.
 */
export interface RequestReference {
/**
 * The request's id.
 */
id: string
expires_at: Time
/**
 * The pull request's number, once it is open.
 */
pull?: number
/**
 * Where people review it.
 */
where?: string
}
/**
 * The project file, `countersign.yaml`: one in each policy repository.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "project".
 */
export interface Project {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Project` here; the folder does not matter.
 */
kind: "Project"
project: Name
/**
 * What this project is, in a sentence.
 */
about?: string
/**
 * The verdict for a known tool within scope that no rule speaks about, by priority. A rule speaks about a tool when it is enforced and its `on` names the service or the action, other than by `*` alone. Default: `hold` for each that is left out.
 */
defaults?: {
/**
 * The verdict at priority low.
 */
low?: ("allow" | "hold" | "deny")
/**
 * The verdict at priority medium.
 */
medium?: ("allow" | "hold" | "deny")
/**
 * The verdict at priority high.
 */
high?: ("allow" | "hold" | "deny")
/**
 * The verdict at priority critical.
 */
critical?: ("allow" | "hold" | "deny")
}
/**
 * The verdict for a tool that no Tools file names. Default: `deny`.
 */
unknown_tools?: ("hold" | "deny")
valid_until?: Time
/**
 * Milliseconds that one evaluation may take before it is denied with ENGINE_TIMEOUT. Default: 1000.
 */
evaluation_ms_max?: number
/**
 * Steps that the Rego of one package may take for one action before it is denied with REGO_BUDGET_EXCEEDED: iterations, calls, and what built-ins visit. The same everywhere, unlike time. The default takes some tens of milliseconds. Default: 300000.
 */
evaluation_steps_max?: number
/**
 * Bytes, by a fixed tariff, of the values that the Rego of one package may make for one action before it is denied with REGO_BUDGET_EXCEEDED. Default: 16777216.
 */
evaluation_bytes_max?: number
/**
 * The receipt log.
 */
log?: {
/**
 * The name that the log's checkpoints carry: a host and path without a scheme. Default: `countersign.local/` and the project.
 */
origin?: string
}
/**
 * Where requests are reviewed. Default: a bare Git repository in the data folder.
 */
forge?: {
/**
 * The kind of forge.
 */
kind: "local"
/**
 * Folder of the bare repository, relative to the data folder. Default: `forge.git`.
 */
path?: string
/**
 * The branch that resolved requests are committed to. Default: `main`.
 */
base?: string
}
/**
 * How strict `countersign check` is.
 */
check?: {
/**
 * The lowest severity that fails. Default: `error`.
 */
fail_level?: ("error" | "warning")
}
}
/**
 * One verdict or one resolution.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "receipt__decision".
 */
export interface DecisionReceipt {
/**
 * in-toto Statement v1.
 */
_type: "https://in-toto.io/Statement/v1"
/**
 * What the statement is about.
 * 
 * @minItems 1
 * @maxItems 1
 */
subject: {
/**
 * Always `action`.
 */
name: "action"
/**
 * Digest of the action: SHA-256 over the RFC 8785 text of `predicate.action`.
 */
digest: {
/**
 * Hexadecimal SHA-256.
 */
sha256: string
}
}[]
/**
 * The predicate's type.
 */
predicateType: "https://countersign.dev/attestation/decision/v0.1"
predicate: {
/**
 * Whether the engine or the people ended here.
 */
stage: ("verdict" | "resolution")
/**
 * The decision's id, or the request's at stage `resolution`.
 */
id: string
/**
 * The verdict, or how the request ended.
 */
decision: ("allow" | "redact" | "hold" | "deny" | "APPROVED" | "REJECTED" | "APPROVED_WITH_MODIFICATIONS" | "EXPIRED")
/**
 * The bundle in force.
 */
policyDigest: {
/**
 * Hexadecimal SHA-256.
 */
sha256: string
}
issuedAt: Time
/**
 * The log's origin.
 */
issuerId: string
/**
 * What remains of the action after its private fields became salted commitments (SD-JWT form). Its RFC 8785 digest is the subject.
 */
action: {
[k: string]: unknown
}
/**
 * All findings.
 */
findings: Finding[]
/**
 * The obligations.
 */
obligations: Obligation[]
/**
 * The routes.
 */
route: RouteId[]
/**
 * There and false when the verdict came of the machine and not of the policy: a watchdog ended the evaluation (ENGINE_TIMEOUT), or the engine failed. Evaluating again may then give another verdict.
 */
rederivable?: false
/**
 * SHA-256 over the RFC 8785 form of the state that was read. State holds counts, times and keyed HMACs, no clear value.
 */
stateDigest?: {
/**
 * Hexadecimal SHA-256.
 */
sha256: string
}
/**
 * The request's id, when one was opened or resolved.
 */
request?: string
resolution?: Resolution
}
}
/**
 * How the request ended. At stage `resolution` only, and always there.
 */
export interface Resolution {
/**
 * Log index of the receipt that held the action.
 */
heldAt: number
heldPolicyDigest: {
/**
 * Hexadecimal SHA-256.
 */
sha256: string
}
/**
 * The consumed nonce.
 */
nonce: string
/**
 * Why it ended so.
 */
reason: string
pull?: {
forge: {
/**
 * Kind.
 */
kind: string
/**
 * Host.
 */
host: string
/**
 * Repository id.
 */
repository: string
}
number: number
/**
 * The reviewed commit.
 */
headSha: string
}
patchedRoot?: DigestText
/**
 * What remains of the patched action.
 */
patchedAction?: {
[k: string]: unknown
}
/**
 * The verified reviews that ended it: one a reviewer.
 * 
 * @maxItems 64
 */
approvals: Approval[]
}
export interface Approval {
reviewer: Name
verdict: ("approve" | "reject" | "patch")
/**
 * The routes it counts for.
 */
route: RouteId[]
fingerprint: KeyFingerprint
/**
 * The signed bytes as text: RFC 8785 of a review statement, in full, so that the signature can be verified.
 */
statement: string
/**
 * SSHSIG armour.
 */
signature: string
}
/**
 * Entry 0 of a log.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "receipt__genesis".
 */
export interface GenesisReceipt {
/**
 * in-toto Statement v1.
 */
_type: "https://in-toto.io/Statement/v1"
/**
 * What the statement is about.
 * 
 * @minItems 1
 * @maxItems 1
 */
subject: {
/**
 * Always `log`.
 */
name: "log"
/**
 * SHA-256 over the text of `predicate.verifierKey`.
 */
digest: {
/**
 * Hexadecimal SHA-256.
 */
sha256: string
}
}[]
/**
 * The predicate's type.
 */
predicateType: "https://countersign.dev/attestation/log-genesis/v0.1"
predicate: {
/**
 * The log's name; its keys bear it too.
 */
origin: string
/**
 * The log's key in the signed-note form.
 */
verifierKey: string
project: Name
issuedAt: Time
}
}
/**
 * One line of a trace: what an agent did in one session.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "recorded_session".
 */
export interface RecordedSession {
/**
 * The session.
 */
session: string
agent: Name
project?: Name
/**
 * On whose behalf.
 */
principal?: string
role?: Name
/**
 * The agent's fingerprint.
 */
fingerprint?: string
/**
 * What it did, in order.
 * 
 * @maxItems 1000000
 */
steps: RecordedStep[]
[k: string]: unknown
}
export interface RecordedStep {
/**
 * The service.
 */
service: string
/**
 * The action.
 */
action: string
/**
 * The arguments. Default: empty.
 */
payload?: {
[k: string]: unknown
}
/**
 * The context. Default: empty.
 */
context?: {
[k: string]: unknown
}
/**
 * Stands in for the arguments where a rule compares them.
 */
args_digest?: string
priority?: Priority
at?: Time
[k: string]: unknown
}
/**
 * The `custom` part of a Rego package's METADATA.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "rego_metadata".
 */
export interface RegoMetadata {
on?: Selector
mode?: Mode
/**
 * Whether a built-in error (1/0, a text that is no number) denies. With false it makes the expression undefined, as OPA does by default, so that a rule may silently not fire; `check` warns of it. Default: true.
 */
strict_builtin_errors?: boolean
route?: RouteId
/**
 * Counters of attempts that the rules read as `input.state.counters`, by name. Default: none.
 */
counters?: {
[k: string]: Counter
}
}
export interface Counter {
per: Duration
by?: By
}
/**
 * A held action waiting for people, as `request.json` in the approvals repository.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "request".
 */
export interface Request {
/**
 * Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * Always `Request`.
 */
kind: "Request"
/**
 * The request's id.
 */
id: string
/**
 * The decision that held the action.
 */
decision: string
root: DigestText
policy: DigestText
project: Name
agent: Name
/**
 * The session, unless it is private.
 */
session?: string
/**
 * On whose behalf, unless it is private.
 */
principal?: string
role: Name
/**
 * The service.
 */
service: string
/**
 * The action.
 */
action: string
priority: Priority
/**
 * The routes, all of which must be satisfied.
 * 
 * @minItems 1
 */
routes: AskedRoute[]
/**
 * Why it was held.
 */
findings: Finding[]
/**
 * What happens to the payload if it is approved.
 */
obligations: Obligation[]
/**
 * The action's payload and context, field by field.
 */
fields: ShownField[]
/**
 * Drawn by the engine; consumed when the request resolves.
 */
nonce: string
created_at: Time
expires_at: Time
}
export interface AskedRoute {
id: RouteId
/**
 * How many people.
 */
quorum: number
/**
 * Who may, sorted.
 */
reviewers: Name[]
/**
 * The least assurance.
 */
signature: "ssh"
expires_at: Time
}
export interface ShownField {
/**
 * JSON pointer into the action.
 */
pointer: string
/**
 * Whether the value is given.
 */
shown: ("clear" | "masked")
/**
 * The value, when it is clear.
 */
value?: unknown
/**
 * The JSON type, when it is masked.
 */
type?: string
}
/**
 * What a reviewer signs (in-toto Statement v1; names in camelCase as in-toto predicates have them). The subject is the request's root.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "review".
 */
export interface ReviewStatement {
/**
 * in-toto Statement v1.
 */
_type: "https://in-toto.io/Statement/v1"
/**
 * What the statement is about.
 * 
 * @minItems 1
 * @maxItems 16
 */
subject: {
/**
 * The request's id.
 */
name: string
digest: {
/**
 * Hexadecimal SHA-256.
 */
sha256: string
}
}[]
/**
 * The predicate's type.
 */
predicateType: "https://countersign.dev/attestation/review/v0.1"
predicate: {
/**
 * The request's id.
 */
request: string
/**
 * `patch` approves the action with the patched payload.
 */
verdict: ("approve" | "reject" | "patch")
patch?: SignedPatch
/**
 * A word to the agent's owner.
 */
comment?: string
forge: {
/**
 * `local`, `github`, ...
 */
kind: string
/**
 * The forge's host.
 */
host: string
/**
 * The forge's own id of the repository, not its name.
 */
repository: string
}
pull: {
number: number
/**
 * The base branch.
 */
baseRef: string
/**
 * The base commit when signing.
 */
baseSha: string
/**
 * The commit that was reviewed.
 */
headSha: string
}
policyDigest: {
/**
 * Hexadecimal SHA-256.
 */
sha256: string
}
/**
 * The routes that the review is for, sorted.
 * 
 * @minItems 1
 */
route: RouteId[]
reviewer: Name
/**
 * The request's nonce.
 */
nonce: string
expiresAt: Time
issuedAt: Time
}
}
/**
 * Which payload should run instead. Only with `patch`. The payload itself travels beside the statement, encrypted: a forge never forgets.
 */
export interface SignedPatch {
root: DigestText
}
/**
 * The people who may review, and the keys that count as theirs.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "roster".
 */
export interface Roster {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Roster` here; the folder does not matter.
 */
kind: "Roster"
/**
 * The people who may review.
 * 
 * @minItems 1
 * @maxItems 4096
 */
people: Person[]
}
export interface Person {
id: Name
/**
 * The name to show. Default: the id.
 */
name?: string
/**
 * What the person may review as. Default: none.
 * 
 * @maxItems 64
 */
roles?: Name[]
/**
 * Pinned keys. A forge's own list of keys is never trusted. Default: none, and the person cannot sign.
 * 
 * @maxItems 32
 */
keys?: PinnedKey[]
}
export interface PinnedKey {
fingerprint: KeyFingerprint
/**
 * Which key this is.
 */
comment?: string
valid_from?: Time
valid_until?: Time
revoked_at?: Time
}
/**
 * Who must review a held action, how many of them, and by when.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "routes".
 */
export interface Routes {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Routes` here; the folder does not matter.
 */
kind: "Routes"
/**
 * The routes.
 * 
 * @minItems 1
 * @maxItems 1024
 */
routes: Route[]
}
export interface Route {
id: RouteId
/**
 * When this route is taken.
 */
about?: string
/**
 * People on the roster who may review.
 * 
 * @minItems 1
 * @maxItems 1024
 */
reviewers?: Name[]
/**
 * Roles on the roster whose people may review. One of `reviewers` and `roles` is needed.
 * 
 * @minItems 1
 * @maxItems 64
 */
roles?: Name[]
/**
 * How many different people must approve. Default: 1.
 */
quorum?: number
/**
 * The least assurance of a review. Default: `ssh`, a signature by a pinned SSH key.
 */
signature?: "ssh"
time_out: Duration
/**
 * Fields that the request shows in clear. Default: none.
 * 
 * @minItems 1
 * @maxItems 64
 */
show?: Path[]
}
/**
 * What a service's tools do to the world. A tool that no Tools file names is held or denied.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "tools".
 */
export interface Tools {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Tools` here; the folder does not matter.
 */
kind: "Tools"
service: Name
/**
 * What the service is.
 */
about?: string
/**
 * The tools by action name.
 */
tools: {
[k: string]: ToolFacts
}
}
export interface ToolFacts {
effect: Effect
/**
 * What the tool is.
 */
about?: string
priority?: Priority
/**
 * Fields beside payload and context that stay hidden in receipts. Default: none.
 * 
 * @minItems 1
 */
private?: ("principal" | "session")[]
}
/**
 * What an auditor pins; nothing under audit is a trust root.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "trust".
 */
export interface Trust {
/**
 * Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * Always `Trust`.
 */
kind: "Trust"
/**
 * The logs.
 * 
 * @minItems 1
 * @maxItems 256
 */
logs: TrustedLog[]
/**
 * Bundles that decisions may name. Default: not looked at.
 * 
 * @minItems 1
 * @maxItems 65536
 */
policies?: DigestText[]
/**
 * Reviewers whose signatures count. Default: signatures are checked against the keys that they carry, and the answer says so.
 * 
 * @minItems 1
 * @maxItems 4096
 */
reviewers?: TrustedReviewer[]
}
export interface TrustedLog {
/**
 * The log's origin.
 */
origin: string
/**
 * Keys whose signature counts.
 * 
 * @minItems 1
 * @maxItems 16
 * 
 * Items: A verifier key in the signed-note form `name+hash+key`.
 */
keys: string[]
}
export interface TrustedReviewer {
id: Name
/**
 * The person's keys.
 * 
 * @minItems 1
 * @maxItems 32
 */
fingerprints: KeyFingerprint[]
}
/**
 * What the evaluator says of one action.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "verdict".
 */
export interface Verdict {
verdict: VerdictWord
/**
 * All findings, enforced and shadow, in rule order.
 */
findings: Finding[]
/**
 * Obligations of all enforced findings, sorted.
 */
obligations: Obligation[]
/**
 * The routes that must all be satisfied when the verdict is hold, sorted; else empty.
 */
route: RouteId[]
}
