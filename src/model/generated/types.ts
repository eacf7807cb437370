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
 * An SSH key's fingerprint as `ssh-keygen -lf` prints it.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__fingerprint".
 */
export type KeyFingerprint = string
/**
 * An exact amount: a number, or decimal text such as `12.50` for more digits than a number holds.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__amount".
 */
export type AmountValue = (number | string)
/**
 * A field of the action: `payload.amount`, `payload.items[].id`, `context.channel`, `agent`.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__path".
 */
export type Path = string
/**
 * A route, lower-case kebab.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__route_id".
 */
export type RouteId = string
/**
 * `shadow` reports what a rule would say without changing the verdict. Default: `enforce`.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__mode".
 */
export type Mode = ("enforce" | "shadow")
/**
 * `secret://provider/name`: a variable of the environment (`env`), a file below a folder (`file`), or a path of HashiCorp Vault's KV engine and, after `#`, a field (`vault`; the field `value` when none is named). `*` in the name stands for any run of characters.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__secret_glob".
 */
export type SecretGlob = string
/**
 * `service.action`, each part a glob.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__tool".
 */
export type Tool = string
/**
 * One glob or a list of them; one match is enough.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__globs".
 */
export type Globs = (Glob | Glob[])
/**
 * A name in which `*` stands for any run of characters.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__glob".
 */
export type Glob = string
/**
 * An RFC 3339 date and time in UTC.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__time".
 */
export type Time = string
/**
 * A span of time: numbers with `ms`, `s`, `m`, `h` or `d`.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__duration".
 */
export type Duration = string
/**
 * `category/what-is-wrong`, lower-case kebab.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__rule_id".
 */
export type RuleId = string
/**
 * allow < redact < hold < deny; the highest of all enforced findings wins.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__verdict".
 */
export type VerdictWord = ("allow" | "redact" | "hold" | "deny")
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
 * The least assurance of a review: `signed`, a signature by a pinned SSH key or by a pinned identity through Sigstore; `ssh` or `sigstore`, that one alone; `none`, the word of a forge with accounts that the reviewer's account approved.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__signature_level".
 */
export type SignatureLevel = ("none" | "signed" | "ssh" | "sigstore")
/**
 * A forge's own number of an account, as text. Not its name.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__account".
 */
export type Account = string
/**
 * An e-mail address.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__email".
 */
export type EmailAddress = string
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
 * Whom a grant is for: a URL or a name. The tool takes grants for its own audience only.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__audience".
 */
export type Audience = string
/**
 * `redact` puts a mask in a value's place, `tokenise` a token that is the same for the same value, `drop` leaves the value out.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__change".
 */
export type ChangeWord = ("redact" | "tokenise" | "drop")
/**
 * Threats of the OWASP Top 10 for Agentic Applications (2026) that it answers. For people; changes no verdict. Default: none.
 * 
 * @minItems 1
 * @maxItems 10
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__threats".
 */
export type Threats = string[]
/**
 * Seconds since 1970-01-01T00:00:00Z (RFC 7519 NumericDate).
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "grant__seconds".
 */
export type NumericDate = number
/**
 * A step, or the name of a fixture.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "decision_test__step_or_fixture".
 */
export type StepOrFixture = (string | TestStep)
export type SecretKind = ("anthropic_key" | "authorization_header" | "aws_access_key_id" | "aws_secret_key" | "azure_client_secret" | "azure_sas_token" | "azure_storage_key" | "connection_string" | "github_token" | "gitlab_token" | "google_api_key" | "google_oauth_secret" | "jwt" | "npm_token" | "openai_key" | "password" | "private_key" | "pypi_token" | "sendgrid_key" | "slack_token" | "slack_webhook" | "stripe_key" | "twilio_key" | "url_password" | "vendor_token")
/**
 * One entry of the receipt log: an in-toto Statement v1.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "receipt".
 */
export type Receipt = (DecisionReceipt | ExecutionReceipt | ErasureReceipt | CustodyReceipt | GenesisReceipt)
/**
 * What is enough: a number of passes of a suite of that size, or a share of all.
 */
export type ReleaseNeed = ({
/**
 * Tests that must pass.
 */
passed: number
/**
 * Tests of the suite, those that were skipped included. A result of another number is denied.
 */
of: number
} | {
/**
 * The share that must pass. What was skipped or ended in an error has not passed.
 */
rate: number
})
/**
 * What takes its place when it fails.
 */
export type ReleaseRollback = ({
to: Name
} | {
/**
 * There is nothing to go back to: it is the agent's first release. The gate looks for another one.
 */
first: true
})
/**
 * Names on the roster.
 * 
 * @minItems 1
 * @maxItems 1024
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "routes__names".
 */
export type RouteNames = Name[]

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
 * The agent's own SSH keys, by fingerprint. With them, it signs each step of a delivery itself, and a step without its signature is refused. A key stands in one Agent file only. Default: none; the engine then vouches for the credential that acted.
 * 
 * @minItems 1
 * @maxItems 32
 */
keys?: KeyFingerprint[]
/**
 * What the agent may spend, over every action of its own. Sums are kept as by `cost` rules. Default: no limit.
 * 
 * @minItems 1
 * @maxItems 16
 */
budgets?: Budget[]
/**
 * Secrets that the agent may use, by reference and tool. The engine puts the value into the payload of a call that may run, and stores it nowhere. A reference that is not listed for the tool is denied. Default: none.
 * 
 * @minItems 1
 * @maxItems 256
 */
credentials?: AgentCredential[]
/**
 * Least privilege: a tool in no scope is denied.
 * 
 * @minItems 0
 * @maxItems 256
 */
scopes: Scope[]
}
export interface Budget {
/**
 * What one limit is for: one `call`, one `session`, the `agent` without end, or a sliding window of at most 30 days.
 */
per: string
limit_usd?: AmountValue
limit?: Money
/**
 * The limit in tokens.
 */
tokens?: number
field?: Path
/**
 * The currency of that field: an ISO 4217 code, or the field that holds one. Default: that of the limit.
 */
currency?: string
/**
 * As in a `cost` rule. Default: `raise`.
 */
settle?: ("raise" | "exact")
/**
 * What an action does that does not say what it costs. Default: `find`, it is a finding. `pass`: it costs nothing.
 */
if_missing?: ("find" | "pass")
/**
 * The verdict of an action beyond the budget. Default: `deny`.
 */
then?: ("hold" | "deny")
route?: RouteId
mode?: Mode
}
/**
 * An amount in a currency.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "common__money".
 */
export interface Money {
amount: AmountValue
/**
 * An ISO 4217 code.
 */
currency: string
}
export interface AgentCredential {
secret: SecretGlob
/**
 * Tools whose calls may name it.
 * 
 * @minItems 1
 * @maxItems 1024
 */
tools: Tool[]
/**
 * The day (UTC) by which the secret must be another one; `doctor` reports what is near or past. Default: never.
 */
rotate_by?: string
/**
 * What the secret is and why the agent needs it.
 */
about?: string
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
principals?: Globs
/**
 * Why the agent needs this.
 */
about?: string
}
/**
 * What is normal for one agent: what its sessions did, in counts. `baseline learn` and `baseline propose` write it; a pull request reviews it. Its tables are literal blocks of text, one row a line, in order.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "baseline".
 */
export interface BaselineFile {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Baseline` here; the folder does not matter, but for size: below a folder `baselines` a file may be larger than elsewhere.
 */
kind: "Baseline"
agent: Name
/**
 * The fingerprint (model and tool manifest) with which they ran. Default: every fingerprint of the agent that has no baseline of its own.
 */
fingerprint?: string
/**
 * Counts from 1, one more with each proposal.
 */
version: number
/**
 * The digest of the text of the version before: `sha256:` and 64 hexadecimal digits. Absent in version 1.
 */
previous?: string
/**
 * `auto` enforces the baseline once it has settled: enough sessions, a steady entropy, few new transitions. `enforce` and `shadow` are the owner's word. In shadow its findings are reported and decide nothing. Default: `auto`.
 */
mode?: ("auto" | "enforce" | "shadow")
/**
 * The share of normal sessions that may raise an alarm. A smaller one needs more sessions: at least 1/rate - 1. Default: 0.02.
 */
rate?: number
/**
 * After how many sessions that did not use it a path counts half. Default: paths do not age.
 */
half_life?: number
/**
 * How far the chances of the transitions have moved since a person last reviewed the baseline, in millionths. Default: 0.
 */
unreviewed_movement_ppm?: number
/**
 * Where the counts come from: one entry for each version, oldest first, the newest 100.
 * 
 * @maxItems 100
 */
learned?: LearnedVersion[]
/**
 * Sessions that were learned.
 */
sessions: number
/**
 * Their calls.
 */
calls: number
/**
 * Three calls in a row, how often, and the number of the session that did so last. `^` stands before the first call of a session, `$` after its last. Default: none.
 */
paths?: string
/**
 * Two calls in a row, the sessions that made the transition, approvals by people, rejections by people. A transition with rejections is never learned; whoever wants it learned sets that number to 0. Default: none.
 */
edges?: string
/**
 * A call and the sessions that contain it; `$` and the sessions that have ended. Default: none.
 */
containing?: string
/**
 * A call, another one, and the sessions in which the other came before the first of the one. Default: none.
 */
preceding?: string
/**
 * A call, how often at most a session repeats it at once, and the number of such sessions. Default: none.
 */
runs?: string
/**
 * A period of 2 or 3 calls, how often at most a session repeats such a round, and the number of such sessions. Default: none.
 */
cycles?: string
/**
 * How many calls of a session repeat an earlier one with equal arguments, and the number of such sessions, of those whose arguments are known. Default: none.
 */
duplicates?: string
/**
 * Sessions to calibrate on, at most 500: a digest that stands for the session, one for its group, `end` or `open` with a `?` where no arguments are known, its calls in order; `*` marks a call that repeats an earlier one with equal arguments. Default: none.
 */
sample?: string
}
export interface LearnedVersion {
/**
 * The version that these sessions made.
 */
version: number
/**
 * The digest of the bundle that judged them. Default: not known, as for imported sessions.
 */
bundle?: string
/**
 * How many were learned.
 */
sessions: number
/**
 * A digest of what was learned: `sha256:` and 64 hexadecimal digits.
 */
digest: string
from?: Time
to?: Time
/**
 * How far they moved the chances of the transitions, in millionths.
 */
movement_ppm: number
/**
 * This version, or an earlier one, knew enough to be enforced. What has left shadow goes back only by its owner's word, in `mode`.
 */
settled?: true
/**
 * The receipt log that told of them: its name and the hash of its key. Default: they came from recorded sessions.
 */
log?: string
/**
 * The last entry of that log that was read: what it tells up to there is not learned again.
 */
through?: number
idle?: Duration
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
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "compiled_policy__release_files".
 */
export interface CompiledFiles {
files: string[]
digest: DigestText
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
/**
 * Actions that every version must refuse.
 */
self_test: CompiledSelfTest[]
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
kind: ("local" | "github" | "gitea")
/**
 * Path.
 */
path: string
/**
 * Owner and name; only of a repository on GitHub or Gitea.
 */
repository?: string
/**
 * Only of Gitea, and of a GitHub that is not the public one.
 */
api_url?: string
/**
 * Base branch.
 */
base: string
poll?: Duration
look?: Duration
}
changes?: CompiledChanges
/**
 * Who is told outside the forge; absent where nobody is.
 */
notify?: CompiledNoticeTarget[]
grants?: CompiledGrants
retention?: CompiledRetention
secrets?: CompiledSecrets
attest?: CompiledAttest
sigstore?: CompiledSigstore
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
/**
 * Baselines, sorted by agent, then by fingerprint, the one without first; absent where there is none.
 * 
 * @minItems 1
 */
baselines?: CompiledBaselineEntry[]
/**
 * What agents must show before they ship, sorted by name; absent where the policy has no release. No verdict depends on it.
 */
releases?: CompiledRelease[]
}
export interface CompiledSelfTest {
name: string
action: TestStep
expect: ("hold" | "deny")
}
/**
 * An action in a test.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "decision_test__step".
 */
export interface TestStep {
/**
 * Starts from the fixture of this name. Members of `payload`, `context` and `result` are merged into the fixture's, other fields stand in their place.
 */
fixture?: string
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
/**
 * Fields to leave out of what the fixture or the test gave.
 * 
 * @minItems 1
 * @maxItems 64
 */
without?: Path[]
/**
 * Of a step in `given`: how often it is done. Default: once.
 */
times?: number
every?: Duration
}
export interface RegoPackage {
package: string
/**
 * Whether a built-in error denies. Else it is undefined.
 */
strict_builtin_errors: boolean
}
/**
 * Who must review changes of the policy itself; absent where the project does not say it.
 */
export interface CompiledChanges {
route: (RouteId | null)
weaker: CompiledWeaker
signed_commits: ("none" | "signed" | "ssh" | "gpg")
/**
 * Owner and name, where it is not the approvals repository.
 */
repository?: string
time_out: Duration
}
export interface CompiledWeaker {
rules: RouteId
routes: RouteId
roster: RouteId
baselines: RouteId
project: RouteId
}
export interface CompiledNoticeTarget {
/**
 * Reference to the secret that is the URL; either this or `smtp`.
 */
webhook?: string
/**
 * The mail server; either this or `webhook`.
 */
smtp?: {
host: string
port: number
from: string
ca_file: (string | null)
}
on: ("held" | "reminded" | "escalated" | "break-glass" | "resolved")[]
/**
 * Sorted; null for every route.
 */
routes: (string[] | null)
}
/**
 * How grants are made; absent where none are.
 */
export interface CompiledGrants {
lifetime: Duration
/**
 * Whom they are for where no Tools file says; null for the service's name.
 */
audience: (string | null)
}
/**
 * How long clear values are kept; absent where they are for good.
 */
export interface CompiledRetention {
/**
 * How long sealed inputs are; null for good.
 */
inputs: (string | null)
/**
 * How long clear values of tokens are; null for good.
 */
tokens: (string | null)
}
/**
 * Where the values of references come from; absent where none are.
 */
export interface CompiledSecrets {
/**
 * Variables that may be read, each a glob, sorted.
 */
env: (string[] | null)
/**
 * The folder.
 */
file: (string | null)
vault: (CompiledVault | null)
}
export interface CompiledVault {
/**
 * Without a slash at its end.
 */
address: string
mount: string
namespace: (string | null)
ca_file: (string | null)
time_out: Duration
token: (OwnSecret | null)
app_role: ({
mount: string
role_id: OwnSecret
secret_id: OwnSecret
} | null)
}
/**
 * Where the engine finds a secret of its own: exactly one of both.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "project__own_secret".
 */
export interface OwnSecret {
/**
 * A variable of its environment.
 */
env?: string
/**
 * A file that others cannot read.
 */
file?: string
}
/**
 * What of the log is attested through Sigstore, and when; absent where nothing is.
 */
export interface CompiledAttest {
every: Duration
receipts: number
resolutions: ("each" | "none")
wait: ("none" | "resolutions")
}
/**
 * What reviews through Sigstore are checked against, and where people sign; absent where none count.
 */
export interface CompiledSigstore {
/**
 * ProtoJSON of a trusted root, with what is understood of it and nothing else.
 */
trusted_root: {
[k: string]: unknown
}
tlog_min: (0 | 1)
ctlog_min: (0 | 1)
fulcio_url: string
rekor_url: (string | null)
tsa_url: string
oidc_issuer: string
client_id: string
}
export interface CompiledAgent {
agent: Name
owner: (Name | null)
/**
 * Approved ones, sorted; empty when none is asked for.
 */
fingerprints: string[]
/**
 * Its own SSH keys, sorted; absent where it has none.
 */
keys?: KeyFingerprint[]
/**
 * What it may spend, sorted by id; absent where no limit is set.
 */
budgets?: CompiledBudget[]
/**
 * Secrets that it may use, sorted; absent where it may use none.
 */
credentials?: CompiledCredential[]
/**
 * Scopes.
 */
scopes: {
/**
 * Tools.
 */
tools: Tool[]
/**
 * On whose behalf, sorted; absent where everybody may, and nobody.
 */
principals?: Glob[]
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
export interface CompiledBudget {
id: RuleId
/**
 * The settings of a `cost` rule.
 */
spec: {
[k: string]: unknown
}
then: ("hold" | "deny")
route: (RouteId | null)
mode: Mode
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledCredential {
secret: SecretGlob
tools: Tool[]
rotate_by: (string | null)
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
 * Whom a grant for it is for; absent where no Tools file says.
 */
audience?: string
/**
 * Fields whose text may hold a reference to a secret, sorted; absent where none may.
 */
secret_texts?: Path[]
/**
 * Fields in which tokens become clear values; absent where there are none.
 */
detokenise?: Path[]
/**
 * Private fields.
 */
private: ("principal" | "session")[]
region?: Name
/**
 * Classes of data by field, sorted; absent where no file says.
 */
classes?: CompiledClass[]
/**
 * Every call is denied.
 */
automate?: "never"
/**
 * The tool that prepares it for a person.
 */
draft?: string
undo?: CompiledUndo
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledClass {
path: Path
class: Name
}
/**
 * The call that takes it back; absent where no file says.
 */
export interface CompiledUndo {
service: Name
/**
 * The action.
 */
action: string
/**
 * Its payload, sorted by field.
 */
payload: CompiledUndoField[]
/**
 * How long after the call; null for ever.
 */
within: (string | null)
}
export interface CompiledUndoField {
/**
 * The field.
 */
field: string
from?: Path
/**
 * Its value, where it is always the same.
 */
value?: unknown
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
shadow_until?: Time
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
/**
 * Sorted by id; absent where the route has none. Then `reviewers` are those of all groups, and `quorum` is their sum.
 */
groups?: CompiledGroup[]
on?: RouteSelector
signature: SignatureLevel
time_out: Duration
/**
 * Absent where a request expires.
 */
on_time_out?: "reject"
hours?: CompiledHours
/**
 * From the shortest; absent where nobody is reminded.
 */
remind?: Duration[]
escalate?: CompiledEscalation
break_glass?: CompiledBreakGlass
batch?: CompiledBatch
/**
 * Fields shown in clear.
 */
show: Path[]
baselines?: CompiledRouteBaselines
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledGroup {
id: RouteId
quorum: number
/**
 * Sorted.
 */
reviewers: Name[]
}
/**
 * Which held actions. Every key that is given must match; none given means every one.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "routes__route_selector".
 */
export interface RouteSelector {
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
 * Tests of fields that must all hold. A test that cannot be decided holds.
 * 
 * @minItems 1
 * @maxItems 32
 */
where?: FieldTest[]
/**
 * Rules, each a glob: one of them has an enforced finding. Those of the engine itself start with `engine/`.
 * 
 * @minItems 1
 * @maxItems 256
 */
rules?: Glob[]
behaviour?: RouteBehaviour
}
/**
 * Sessions that behave oddly by the agent's baseline. One that nobody scored matches.
 */
export interface RouteBehaviour {
/**
 * The least score of the session's behaviour, from 0 (usual) to 1.
 */
score_min: number
}
/**
 * When durations run; absent where they always do.
 */
export interface CompiledHours {
zone: string
windows: CompiledWindow[]
/**
 * Days, sorted.
 */
except: string[]
}
export interface CompiledWindow {
days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[]
from: string
to: string
}
/**
 * Absent where nobody comes in later.
 */
export interface CompiledEscalation {
after: Duration
/**
 * Sorted.
 */
reviewers: Name[]
}
/**
 * Absent where nobody may.
 */
export interface CompiledBreakGlass {
quorum: number
/**
 * Sorted.
 */
reviewers: Name[]
review_within: Duration
}
/**
 * Absent where each request has its own pull request.
 */
export interface CompiledBatch {
max: number
within: Duration
}
/**
 * Which changes of baselines people need not review; absent where they review all.
 */
export interface CompiledRouteBaselines {
/**
 * How far chances may move in all without people, in millionths.
 */
movement_ppm_max: number
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
 * Pinned OpenPGP keys, sorted; absent without any.
 */
gpg_keys?: CompiledGpgKey[]
/**
 * Pinned keys.
 */
keys: {
fingerprint: KeyFingerprint
valid_from: (Time | null)
valid_until: (Time | null)
revoked_at: (Time | null)
}[]
email?: EmailAddress
/**
 * Pinned identities, sorted; absent where there are none.
 */
identities?: CompiledIdentity[]
/**
 * Who stands in, sorted; absent where nobody does.
 */
delegates?: CompiledDelegation[]
accounts?: CompiledAccounts
}
export interface CompiledGpgKey {
fingerprint: string
public_key: string
revoked_at: (Time | null)
}
export interface CompiledIdentity {
issuer: string
subject: string
}
export interface CompiledDelegation {
to: Name
from?: Time
until: Time
/**
 * Sorted; absent where it is for all.
 */
routes?: RouteId[]
}
/**
 * Accounts by kind of forge; absent where there is none.
 */
export interface CompiledAccounts {
github?: Account
gitea?: Account
}
export interface CompiledBaselineEntry {
/**
 * The file of the bundle that holds it.
 */
path: string
agent: Name
/**
 * Null for every fingerprint that has no baseline of its own.
 */
fingerprint: (string | null)
version: number
mode: ("auto" | "enforce" | "shadow")
rate: number
half_life: (number | null)
sessions: number
/**
 * Further sessions that the rate asks for.
 */
sessions_needed: number
/**
 * The choice of the next call on average, in thousandths of a bit.
 */
entropy_millibits: number
/**
 * How far that went up and down over the last sessions, in millionths of it; null while there are too few.
 */
entropy_range_ppm: (number | null)
/**
 * Transitions of the last sessions that were new, in millionths; null while there are too few.
 */
novelty_ppm: (number | null)
/**
 * Whether enough is known: with the mode `auto` it is enforced.
 */
settled: boolean
/**
 * File.
 */
file: string
line: number
column: number
}
export interface CompiledRelease {
release: Name
agent: Name
version: string
model: CompiledModel
prompt: CompiledFiles
tools: CompiledFiles
artefacts: CompiledArtefact[]
fingerprint: string
evals: CompiledEval[]
latency: CompiledLatency[]
cost?: CompiledCost
evidence: ("bound" | "age")
fallback: RouteId
/**
 * The release to go back to; null for an agent's first.
 */
rollback: (string | null)
file: string
line: number
column: number
}
export interface CompiledModel {
name: string
version?: string
}
export interface CompiledArtefact {
name: string
digest: DigestText
}
export interface CompiledEval {
file: string
format: string
id: string
need: CompiledNeed
max_age: Duration
digest?: DigestText
missed: ("hold" | "deny")
}
export interface CompiledNeed {
passed?: number
of?: number
rate?: number
}
export interface CompiledLatency {
file: string
format: string
p95_ms: number
p50_ms?: number
max_age: Duration
digest?: DigestText
missed: ("hold" | "deny")
}
export interface CompiledCost {
file: string
format: string
usd_per_run: number
max_age: Duration
digest?: DigestText
missed: ("hold" | "deny")
}
/**
 * One step of a delivery between agents. Its RFC 8785 text is what the acting agent's key signs (SSHSIG, namespace `countersign-custody`), and what its receipt is about.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "custody_step".
 */
export interface CustodyStep {
/**
 * `handoff`: one agent gives, `accept`: the other takes, `outcome`: how it ended. `escalate`, `release` and `refund` are the engine's own: what is held goes to people, may run, or never runs.
 */
type: ("handoff" | "accept" | "outcome" | "escalate" | "release" | "refund")
/**
 * The log's origin.
 */
log: string
project: Name
/**
 * The delivery's id: a UUID (RFC 9562), lower case.
 */
delivery: string
/**
 * Its number in the delivery, from 1.
 */
step: number
/**
 * The leaf hash of the receipt of the step before it, hexadecimal. Absent of the first.
 */
previous?: string
/**
 * The log index of that receipt. Absent of the first.
 */
previousAt?: number
agent?: Name
to?: Name
/**
 * Of a handoff: the decision that allowed it: a verdict's id, or that of the record which ended the request.
 */
decision?: string
/**
 * Of a handoff: the log index of that decision's receipt.
 */
decidedAt?: number
root?: DigestText
/**
 * Of the first handoff: who may say `fulfilled`. The first giver, or who has it last.
 */
outcomeBy?: ("giver" | "receiver")
/**
 * What is held in escrow. Of the first handoff: all of it; of the engine's own steps: what they are about.
 * 
 * @minItems 1
 * @maxItems 16
 */
held?: CustodyHeld[]
deadline?: Time
/**
 * Of an outcome: how it ended.
 */
outcome?: ("fulfilled" | "disputed" | "failed")
/**
 * Of `escalate`: why people are asked.
 */
because?: ("disputed" | "overdue")
/**
 * The request that asks people. Of `escalate`, and of what people released or refunded.
 */
request?: string
/**
 * Of `escalate`: the log index of the receipt that opened the request.
 */
heldAt?: number
/**
 * Of what people released or refunded: the log index of the receipt that ended the request.
 */
resolvedAt?: number
/**
 * The mandates that it is done under: the same in every step. They themselves stay sealed.
 * 
 * @minItems 1
 * @maxItems 8
 */
mandates?: CustodyMandate[]
}
export interface CustodyHeld {
/**
 * The decision that would let it run.
 */
decision: string
/**
 * The log index of its receipt.
 */
decidedAt: number
}
export interface CustodyMandate {
/**
 * What it is.
 */
kind: ("x402" | "ap2")
/**
 * SHA-256 of its RFC 8785 text.
 */
sha256: string
/**
 * Of an x402 payment: SHA-256 of the RFC 8785 text of `[from, nonce]`, both in lower case, which one payment has.
 */
nonce?: string
}
/**
 * What a decision proof says to one counterparty: a JWS in the compact form (RFC 7515) with the header `alg: EdDSA`, `typ: countersign-decision-proof+jwt` and `kid`, and nothing else. It lets nothing run.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "decision_proof".
 */
export interface DecisionProofClaims {
/**
 * The origin of the receipt log.
 */
iss: string
sub: Name
/**
 * Whom it is for: nobody else may take it.
 */
aud: string
iat: NumericDate
nbf: NumericDate
exp: NumericDate
project: Name
/**
 * The tool's service.
 */
service: string
/**
 * The tool.
 */
action: string
/**
 * The id in the receipt: the decision's, or the request's that people ended.
 */
id: string
/**
 * The request, when there was one.
 */
request?: string
/**
 * The verdict, or how the request ended.
 */
decision: ("allow" | "redact" | "hold" | "deny" | "APPROVED" | "REJECTED" | "APPROVED_WITH_MODIFICATIONS" | "EXPIRED")
decided_at: Time
root: DigestText
patched_root?: DigestText
policy: DigestText
/**
 * The receipt's place in the log.
 */
index: number
/**
 * The receipt's RFC 6962 leaf hash, hexadecimal.
 */
leaf_hash: string
/**
 * The size of a checkpoint that covers it.
 */
size: number
/**
 * The root hash of that checkpoint, base64.
 */
log_root: string
shown?: ShownFields
}
/**
 * Fields that are shown to this counterparty. Each is committed to by the root.
 */
export interface ShownFields {
/**
 * What remains of the action when everything is hidden: its RFC 8785 digest is `root`, or `patched_root` where there is one.
 */
remains: {
[k: string]: unknown
}
/**
 * What opens them, from the outside in.
 * 
 * @minItems 1
 * @maxItems 256
 */
disclosures: ShownDisclosure[]
}
export interface ShownDisclosure {
/**
 * Where it stands in the action (RFC 6901).
 */
pointer: string
/**
 * An SD-JWT disclosure (RFC 9901), base64url.
 */
disclosure: string
}
/**
 * What must come of an action. What is left out is not looked at.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "decision_test__expectation".
 */
export interface Expectation {
verdict?: VerdictWord
/**
 * Rules with a finding, exactly these in any order.
 */
rules?: string[]
/**
 * Rules without a finding, whatever others say.
 */
quiet?: string[]
/**
 * For each of these there must be a finding that has all that it says.
 */
findings?: ExpectedFinding[]
/**
 * The routes, exactly these.
 */
route?: RouteId[]
/**
 * What the routes ask for, by route.
 */
reviews?: {
[k: string]: ExpectedReview
}
/**
 * The changes of fields: each of these must be there, and no other; what one leaves out is not looked at.
 */
obligations?: ExpectedObligation[]
/**
 * The payload after the obligations, as a whole. A masked value is `[redacted]`; tokens are `[token 1]`, `[token 2]`, the same for the same value.
 */
payload?: {
[k: string]: unknown
}
/**
 * The result after the obligations, as a whole, in the phase `result`.
 */
result?: unknown
}
export interface ExpectedFinding {
/**
 * The rule.
 */
rule?: string
verdict?: VerdictWord
mode?: Mode
/**
 * The error code.
 */
code?: string
route?: RouteId
/**
 * A text that its message contains.
 */
message?: string
}
export interface ExpectedReview {
/**
 * How many people must approve.
 */
quorum?: number
/**
 * Who may, exactly these people in any order.
 */
reviewers?: Name[]
}
export interface ExpectedObligation {
kind?: ChangeWord
/**
 * The fields, exactly these in any order.
 * 
 * @minItems 1
 */
paths?: Path[]
/**
 * The rule that asks for it.
 */
rule?: string
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
 * Steps by name, for the tests of this file. A file without `tests` gives its fixtures to all test files.
 */
fixtures?: {
[k: string]: TestStep
}
/**
 * The tests. Leave them out in a file of shared `fixtures`.
 * 
 * @minItems 1
 * @maxItems 10000
 */
tests?: DecisionTestCase[]
}
export interface DecisionTestCase {
/**
 * What is tested, in words. With `cases`, `{payload.amount}`, `{verdict}` and the like stand for what a case says.
 */
name: string
/**
 * Actions before, in order, in the same state.
 * 
 * @maxItems 4096
 */
given?: StepOrFixture[]
action?: StepOrFixture
expect?: Expectation
/**
 * A table: the test runs once for each case, in a fresh state.
 * 
 * @minItems 1
 * @maxItems 1000
 */
cases?: DecisionTestRow[]
}
export interface DecisionTestRow {
/**
 * What this case is about. Default: what the test's name says of it, or its number.
 */
name?: string
/**
 * Actions before, instead of the test's.
 * 
 * @maxItems 4096
 */
given?: StepOrFixture[]
action?: StepOrFixture
expect?: Expectation
}
/**
 * One receipt with its proof and some of the fields that it commits to: the RFC 8785 text of this object, and a newline.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "disclosed_receipt".
 */
export interface DisclosedReceipt {
/**
 * Always `DisclosedReceipt`.
 */
kind: "DisclosedReceipt"
/**
 * The receipt: the exact text of its log entry.
 */
entry: string
/**
 * The proof that it stands in the log, `c2sp.org/tlog-proof@v1`, to the byte.
 */
proof: string
/**
 * Of the receipt of an execution only: what remains of the report of its result and cost, whose digest is the receipt's `reportRoot`.
 */
report?: {
[k: string]: unknown
}
/**
 * What opens the fields that are shown, and those around them, by their pointers.
 * 
 * @maxItems 200000
 */
disclosures: OpenedField[]
}
export interface OpenedField {
/**
 * Where the value stands, as a JSON pointer: in the action, below `/patched` in the action as people left it, or below `/report` in what was told of its execution.
 */
pointer: string
/**
 * An SD-JWT disclosure (RFC 9901): base64url of the RFC 8785 text of `[salt, name, value]`, or of `[salt, value]` in a list.
 */
disclosure: string
}
/**
 * What a grant says: a JWS in the compact form (RFC 7515) with the header `alg: EdDSA`, `typ: countersign-grant+jwt` and `kid`, and nothing else. It lets one action run, once.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "grant".
 */
export interface GrantClaims {
/**
 * The origin of the engine's receipt log.
 */
iss: string
sub: Name
/**
 * Who may take it: the tool's audience.
 */
aud: string
iat: NumericDate
nbf: NumericDate
exp: NumericDate
/**
 * Its id. A decision has one grant, ever.
 */
jti: string
/**
 * The decision that let the action run: a verdict's id, or that of the record which ended the request.
 */
decision: string
/**
 * The request that people approved, when there was one.
 */
request?: string
project: Name
/**
 * The tool's service.
 */
service: string
/**
 * The tool.
 */
action: string
root: DigestText
/**
 * The seed of the root's salts, 32 bytes in base64url: with it and the payload the root is made again. A grant is as confidential as the payload that it travels with.
 */
seed: string
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
threats?: Threats
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
cost?: CostRule
loop?: LoopRule
pattern?: FieldTest
flow?: FlowRule
semantic_loop?: SemanticLoopRule
markov?: MarkovRule
sequence_entropy?: SequenceEntropyRule
confidence?: ConfidenceRule
schedule?: ScheduleRule
output?: OutputRule
principal?: PrincipalRule
residency?: ResidencyRule
never_automate?: NeverAutomateRule
media?: MediaRule
secret?: SecretRule
credential?: CredentialRule
pii?: PiiRule
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
shadow_until?: Time
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
 * Too much money, or too many tokens, in one call or in all that were let through or wait for people. What an action says that it costs is set aside when it is not denied, given back when its request is rejected or expires, and settled when its execution is reported. Sums are exact: amounts are decimals, never binary fractions. A cost that is missing, negative, no number, above 10^15, or in another currency without a rate, is a finding.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_cost".
 */
export interface CostRule {
amount?: Path
tokens?: Path
/**
 * The amount's currency: an ISO 4217 code, or the field that holds one. Default: that of the limit.
 */
currency?: string
/**
 * `minor`: the amount counts the currency's minor unit, such as cents, and is whole. Default: `major`.
 */
units?: ("major" | "minor")
/**
 * What is still fine: money, or a whole number with `tokens`.
 */
limit?: (number | Money)
limit_usd?: AmountValue
/**
 * What one limit is for: one `call`; one `session`; one `agent`, without end; or a sliding window of at most 30 days. A window is kept in 64 slices: an amount leaves it up to a 64th late, never early. A session is forgotten 30 days after its last call.
 */
per: string
by?: By
/**
 * Fixed prices of other currencies: so much of the limit's currency for one unit of theirs. Default: none, and any other currency is a finding.
 */
rates?: {
[k: string]: AmountValue
}
/**
 * What a reported execution does to the sum: `raise` counts a higher cost and ignores a lower one; `exact` puts the reported cost in the place of what was set aside, so that whoever reports must be trusted. Default: `raise`.
 */
settle?: ("raise" | "exact")
/**
 * What an action without the field does. Default: `find`, it is a finding. `pass`: it costs nothing.
 */
if_missing?: ("find" | "pass")
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
 * Nearly the same call again and again: calls of one tool whose arguments, or whose embedding, are alike. Each attempt is compared with the newest 32 of its kind; a field that is missing is a finding.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_semantic_loop".
 */
export interface SemanticLoopRule {
/**
 * The attempt that is a finding: 3 lets two calls that are alike pass.
 */
repeats: number
within: Duration
/**
 * From where on two calls are alike. Of arguments: the share of five-letter pieces that both have among those that either has, estimated to within some 0.02. Of embeddings: the cosine. Default: 0.85.
 */
similarity?: number
/**
 * The fields to compare. Default: the whole payload, each field with its like.
 * 
 * @minItems 1
 * @maxItems 16
 */
paths?: Path[]
embedding?: Path
by?: By
}
/**
 * A session that behaves unlike the agent's baseline. Without a behaviour score every action is a finding.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_markov".
 */
export interface MarkovRule {
/**
 * `channels`: how odd the session is as a whole, by all channels. `edges`: the literal rule, one transition by its own statistics (three standard deviations above its mean, or never seen), at high and critical priority after the two calls before it. It finds less. Default: `channels`.
 */
method?: ("channels" | "edges")
/**
 * The lowest score that is a finding: the share of normal sessions that stayed below it. With `channels` only, and needed there.
 */
min_score?: number
/**
 * With `channels`, how many calls in a row must lie above the baseline's threshold; at high and critical priority one is enough. Default: 1. With `edges`, how many passages of the same transition in a row must be odd. Default: 2.
 */
burst?: number
/**
 * Only what is oddest in one of these: `markov` (unlikely steps), `novelty` (steps never seen), `repeat` (one step too often), `precede` (a step without the one that comes before it), `service` (a service never called), `duplicate` (the same call with the same arguments again), `trigram` (three steps in a row as never seen). With `channels` only. Default: all.
 * 
 * @minItems 1
 * @maxItems 7
 */
channels?: ("markov" | "novelty" | "repeat" | "precede" | "service" | "duplicate" | "trigram")[]
}
/**
 * A sequence of actions that is too hard or too easy to foretell. A finding when every bound that is given is met, so that a bound on the score can confirm one on the entropy. Without a behaviour score every action is a finding.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_sequence_entropy".
 */
export interface SequenceEntropyRule {
/**
 * Only above this entropy: each bit doubles the number of equally likely next actions.
 */
above_bits?: number
/**
 * Only below this entropy.
 */
below_bits?: number
/**
 * Only from this score of the baseline's on.
 */
min_markov_anomaly_score?: number
}
/**
 * An agent that is unsure by its own word. A confidence that is missing, no number or not from 0 to 1 is a finding.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_confidence".
 */
export interface ConfidenceRule {
/**
 * A lower confidence is a finding: one number, or one for each priority.
 */
below: (number | {
/**
 * At priority low.
 */
low: number
/**
 * At priority medium.
 */
medium: number
/**
 * At priority high.
 */
high: number
/**
 * At priority critical.
 */
critical: number
})
field?: Path
}
/**
 * Times of day at which the selected actions may happen (`allow`), or may not (`deny`). Exactly one of both. Times are those that the zone's clocks show: an hour that is skipped has no times, and one that is repeated has them twice.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_schedule".
 */
export interface ScheduleRule {
/**
 * A zone of the IANA database, or `UTC`. Moments before 2020 are findings.
 */
zone: string
/**
 * Outside all of these every action is a finding.
 * 
 * @minItems 1
 * @maxItems 64
 */
allow?: TimeWindow[]
/**
 * Within any of these every action is a finding.
 * 
 * @minItems 1
 * @maxItems 64
 */
deny?: TimeWindow[]
/**
 * Days, by the zone's calendar, on which no window begins; with `allow` they are findings from midnight to midnight. Default: none.
 * 
 * @minItems 1
 * @maxItems 1024
 */
except?: string[]
}
/**
 * A span of the day, every day or on some.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_schedule__window".
 */
export interface TimeWindow {
/**
 * Days on which the window begins, one by one or as `mon..fri`. Default: every day.
 * 
 * @minItems 1
 * @maxItems 7
 */
days?: string[]
/**
 * Its first minute. Default: `00:00`.
 */
from?: string
/**
 * The first minute after it. Earlier than `from`: on the next day. Default: `24:00`.
 */
to?: string
}
/**
 * A value that does not fit: what comes back of a call, or a part of its payload. At least one bound or a schema. For what texts hold there are `pattern`, `pii` and `secret`.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_output".
 */
export interface OutputRule {
in: Path
/**
 * A JSON Schema (draft 2020-12) that the value must fit, written inline. References stay within it; `format` is checked; `unevaluatedProperties`, `unevaluatedItems`, `minContains`, `maxContains`, `$dynamicRef` and named anchors are refused.
 */
schema?: ({
[k: string]: unknown
} | boolean)
/**
 * The largest size of the value as JSON text, in bytes of UTF-8. Default: what an action may have.
 */
bytes_max?: number
/**
 * The most elements that any one list within the value may have, and the most members of any one object. Default: what an action may have.
 */
items_max?: number
/**
 * How deep lists and objects may nest: 0 for a plain value, 1 for a list of plain values. Default: what an action may have.
 */
depth_max?: number
/**
 * What a missing value does. Default: `find`.
 */
if_missing?: ("find" | "pass")
}
/**
 * Who may have the selected agents do the selected things: an action on behalf of anybody else is a finding.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_principal".
 */
export interface PrincipalRule {
allow?: Globs
groups?: Globs
groups_in?: Path
/**
 * What an action does that names no principal. Default: `find`.
 */
missing?: ("find" | "pass")
}
/**
 * A call that takes data of a class to a tool in another region than those listed. Tools files say where a tool runs (`region`) and which of its fields hold what (`classes`). A tool whose region is not known is a finding.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_residency".
 */
export interface ResidencyRule {
class: Name
regions: Globs
classes_in?: Path
/**
 * What a call does whose tool does not say which classes its fields hold. A tool that takes none says `classes: {}`. Default: `find`, the call may take data of the class.
 */
undeclared?: ("find" | "pass")
}
/**
 * What no approval opens to an agent. Every action that `on` and `when` select is a finding; the rule must deny, and cannot be in shadow.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_never_automate".
 */
export interface NeverAutomateRule {
/**
 * The tool with which the agent may prepare it for a person instead. Default: none.
 */
draft?: string
}
/**
 * Media in the payload or the result that is not what it claims, or not what is allowed: data URIs anywhere in a text, base64 in named fields, and addresses of media, also within pages, drawings and texts among them. What a file is, is read from its content. Content of two types at once, active content in a picture, data that cannot be decoded, and an archive whose unpacked size cannot be told are findings whatever the settings say.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_media".
 */
export interface MediaRule {
/**
 * Where to look for data URIs and for addresses of media: these values and all below them. One that is missing holds no media.
 * 
 * @minItems 1
 * @maxItems 64
 */
in: Path[]
/**
 * Fields that hold media as base64. A value that is no base64 is a finding. Default: none.
 * 
 * @minItems 1
 * @maxItems 64
 */
blobs?: Path[]
/**
 * The member beside each of `blobs` that names its media type. A blob without one is a finding. Default: blobs declare no type.
 */
declared_in?: string
/**
 * Fields whose whole value is the address of media, whatever it ends in. Default: none; what Markdown, HTML and CSS have a reader fetch, and addresses that end like media, are found in texts all the same.
 * 
 * @minItems 1
 * @maxItems 64
 */
urls?: Path[]
types?: Globs
hosts?: Globs
/**
 * The largest size of one file, decoded. Default: what an action may have.
 */
bytes_max?: number
/**
 * The most files and addresses together. Default: 256.
 */
count_max?: number
/**
 * The most pixels of a picture, all of its frames together. Default: 50,000,000.
 */
pixels_max?: number
/**
 * The most bytes that an archive, or the compressed parts of a picture, may unpack to. Default: 67,108,864.
 */
unpacked_bytes_max?: number
/**
 * How many times its own size an archive may unpack to, where that is more than a mebibyte. Default: 100.
 */
ratio_max?: number
/**
 * What an archive does whose unpacked size cannot be told, and a picture without readable dimensions. Default: `find`.
 */
untold?: ("find" | "pass")
/**
 * Whether it is a finding that a field which `blobs` or `urls` names is missing, an empty list of such included. Default: `find`.
 */
if_missing?: ("find" | "pass")
}
/**
 * Credentials within texts, numbers and names: tokens and keys in the formats that their issuers document, and values that look random near a word such as `password` or `token`, or in a field of such a name. With `then: redact`, `tokenise` or `drop` only the credential itself is changed. A reference such as `secret://env/STRIPE_KEY` is none.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_secret".
 */
export interface SecretRule {
/**
 * Kinds of credentials. `vendor_token` stands for the tokens of some forty further services. Default: all.
 * 
 * @minItems 1
 * @maxItems 64
 */
detect?: SecretKind[]
/**
 * Fields to look through, with all that is below them: of the payload or the result, or the context where nothing is changed. Default: the payload, or the result where a result is judged.
 * 
 * @minItems 1
 * @maxItems 64
 */
in?: Path[]
/**
 * Whether values that look random count too, near a word such as `password`, `secret`, `token` or `api_key`, or in a field of such a name. Default: true.
 */
entropy?: boolean
/**
 * Whether it is a finding that a field which `in` names is missing. Default: `find`.
 */
if_missing?: ("find" | "pass")
/**
 * Credentials that make a finding. Default: 1.
 */
min?: number
}
/**
 * Use of secrets that a payload names by reference, such as `secret://env/STRIPE_KEY`: with another tool, at another time, or more often than is usual. At least one of `tools`, `schedule` and `limit`. What an agent may use at all stands in its file under `credentials`; this rule only restricts it.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_credential".
 */
export interface CredentialRule {
/**
 * The secrets that the rule is about. Default: every one.
 * 
 * @minItems 1
 * @maxItems 256
 */
secrets?: SecretGlob[]
/**
 * Tools that such a secret is for; its use with another one is a finding.
 * 
 * @minItems 1
 * @maxItems 1024
 */
tools?: Tool[]
schedule?: ScheduleRule
/**
 * Calls that may name one secret within `per`, over all agents. Every attempt counts. Needs `per`.
 */
limit?: number
per?: Duration
}
/**
 * Personal data within texts, numbers and names of fields: what has check digits or a strict form is checked. With `then: redact`, `tokenise` or `drop` only the piece itself is changed; a number that is found becomes a text.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "kinds_pii".
 */
export interface PiiRule {
/**
 * Kinds of personal data: `payment_card`, `iban`, `email`, `ip`, `date_of_birth`, `person_name`, `street_address`, `postcode`; `phone` for numbers with a country's code, `de_phone` and so on for those of one country; `us_ssn`, `uk_nino`, `uk_nhs`, `de_steuer_id`, `fr_nir`, `es_dni`, `es_nie`, `it_codice_fiscale`, `nl_bsn`, `be_nn`, `pt_nif`, `ch_ahv`, `ie_pps`, `pl_pesel`, `se_personnummer`, `fi_hetu`, `no_fodselsnummer`, `tr_tckimlik`, `ca_sin`, `mx_curp`, `br_cpf`, `cl_run`, `in_aadhaar`, `in_pan`, `cn_resident_id`, `hk_id`, `au_tfn`, `za_id` for national numbers. Another name is an error.
 * 
 * @minItems 1
 * @maxItems 300
 */
detect: string[]
/**
 * Fields to look through, with all that is below them: of the payload or the result, or the context where nothing is changed. Default: the payload, or the result where a result is judged.
 * 
 * @minItems 1
 * @maxItems 64
 */
in?: Path[]
/**
 * Names of people that `person_name` finds wherever they stand, in any case, with or without accents. Beside them it finds names behind words such as `my name is` and `Dr.`. Default: none.
 * 
 * @minItems 1
 * @maxItems 1000
 */
names?: string[]
/**
 * Pieces of personal data that make a finding. Default: 1.
 */
min?: number
/**
 * Whether it is a finding that a field which `in` names is missing. Default: `find`.
 */
if_missing?: ("find" | "pass")
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
/**
 * There where the action would run, but is held in escrow until a delivery releases it. There is no payload then.
 */
escrow?: "held"
/**
 * The grant that lets this action run once: a JWS in the compact form. Only when the verdict lets a call run and the project makes grants.
 */
grant?: string
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
/**
 * Why people cannot review it yet, such as a forge that cannot be reached. The engine goes on trying.
 */
note?: string
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
 * Folders of the repository that hold policy files. Default: `policies`, `releases` and `tests`.
 * 
 * @minItems 1
 * @maxItems 256
 */
folders?: string[]
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
 * Actions that every version of the policy must refuse. An engine asks about them before it takes a bundle: those of the bundle that it has and those of the new one.
 * 
 * @minItems 1
 * @maxItems 64
 */
self_test?: SelfTest[]
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
attest?: Attest
}
/**
 * Where requests are reviewed. Default: a bare Git repository in the data folder.
 */
forge?: {
/**
 * The kind of forge. `github` takes its credentials from the environment: `COUNTERSIGN_GITHUB_TOKEN`, or an App's `COUNTERSIGN_GITHUB_APP_ID`, `COUNTERSIGN_GITHUB_APP_KEY_FILE` and `COUNTERSIGN_GITHUB_INSTALLATION_ID`; `GITHUB_TOKEN` for the public GitHub alone. So does `gitea`: `COUNTERSIGN_GITEA_TOKEN`; `GITEA_TOKEN` for the server of `GITEA_SERVER_URL` alone.
 */
kind: ("local" | "github" | "gitea")
/**
 * Folder of the local forge's bare repository, relative to the data folder. Default: `forge.git`.
 */
path?: string
/**
 * The approvals repository on GitHub or Gitea, as `owner/name`. Default: none; both need it.
 */
repository?: string
/**
 * The API of a GitHub Enterprise server, or of Gitea, which needs it: `https://HOST/api/v1`. Default: `https://api.github.com` for `github`.
 */
api_url?: string
/**
 * The branch that resolved requests are committed to. Default: `main`.
 */
base?: string
poll?: Duration
look?: Duration
}
/**
 * Grants: an action that may run comes with a signed token that lets it run once. Default: none are made.
 */
grants?: {
lifetime?: Duration
audience?: Audience
}
retention?: Retention
secrets?: Secrets
changes?: Changes
/**
 * Who is told outside the forge when people are wanted. Best effort: a notice delays no decision and may be lost. Default: nobody.
 * 
 * @minItems 1
 * @maxItems 16
 */
notify?: NoticeTarget[]
sigstore?: Sigstore
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
export interface SelfTest {
/**
 * What is forbidden, in words.
 */
name: string
action: TestStep
/**
 * The least verdict that it must get. Default: `deny`.
 */
expect?: ("hold" | "deny")
}
/**
 * Has others vouch for the log while an engine runs: checkpoints, and how requests ended, are signed through the services under `sigstore`, as whoever the engine's identity token names. An outage delays it and loses nothing. Default: nothing is attested.
 */
export interface Attest {
every?: Duration
/**
 * After how many more receipts it is due sooner. Default: 1000.
 */
receipts?: number
/**
 * Whether the receipt of each request that ended is attested by itself, rejections too. Default: `each`.
 */
resolutions?: ("each" | "none")
/**
 * What waits for its attestation. With `resolutions` an approved action is PENDING, without payload and grant, until the receipt of its approval has been attested. Default: `none`.
 */
wait?: ("none" | "resolutions")
}
/**
 * How long clear values are kept. A running engine, and `receipts retain`, delete what is older, but for requests that wait. Receipts are never deleted. Default: for good.
 */
export interface Retention {
inputs?: Duration
tokens?: Duration
}
/**
 * Where the values of references such as `secret://env/STRIPE_KEY` come from. A reference to a provider that is not set up here is denied. Default: none.
 */
export interface Secrets {
/**
 * The engine's environment, for `secret://env/NAME`.
 */
env?: {
/**
 * Variables that may be read, each a glob; no other is.
 * 
 * @minItems 1
 * @maxItems 256
 */
names: string[]
}
/**
 * A folder with one file for each secret, for `secret://file/path`. Neither folder nor files may be open to others.
 */
file?: {
/**
 * The folder; a relative one lies in the data folder.
 */
folder: string
}
/**
 * HashiCorp Vault or OpenBao, KV version 2, for `secret://vault/path#field`.
 */
vault?: {
/**
 * The server's address. Plain `http` is for the loopback address only.
 */
address: string
/**
 * Where the KV engine is mounted. Default: `secret`.
 */
mount?: string
/**
 * The namespace, where the server has such. Default: none.
 */
namespace?: string
/**
 * PEM file of the certificates that sign the server's. Default: those of Node.
 */
ca_file?: string
time_out?: Duration
token?: OwnSecret
/**
 * Logging in by AppRole.
 */
app_role?: {
/**
 * Where AppRole is mounted. Default: `approle`.
 */
mount?: string
role_id: OwnSecret
secret_id: OwnSecret
}
}
}
/**
 * Who must review changes of this policy itself. What stands on the base branch counts, never what a change proposes. Default: what may weaken the policy needs the route `default`; any other change needs nobody.
 */
export interface Changes {
route?: RouteId
/**
 * The route that a change needs which may weaken the policy: one for all kinds, or one for each. Default: `default`.
 */
weaker?: (RouteId | WeakerRoutes)
/**
 * How every commit of a change must be signed, by a key on the base branch's roster: `signed` is either of both. Default: `none`.
 */
signed_commits?: ("none" | "signed" | "ssh" | "gpg")
/**
 * The policy repository on the forge, as `owner/name`. Default: `forge.repository`.
 */
repository?: string
time_out?: Duration
}
export interface WeakerRoutes {
rules?: RouteId
routes?: RouteId
roster?: RouteId
baselines?: RouteId
project?: RouteId
}
export interface NoticeTarget {
/**
 * A Slack-compatible webhook, as a reference to the secret that is its URL. A variable of the engine's environment need not stand below `secrets`. Either this or `smtp`.
 */
webhook?: string
smtp?: MailServer
/**
 * Which notices it gets. `break-glass` goes to every target, listed or not. Default: `held`, `escalated` and `break-glass`.
 * 
 * @minItems 1
 */
on?: ("held" | "reminded" | "escalated" | "break-glass" | "resolved")[]
/**
 * Only about requests that wait for one of these routes; `break-glass` always. Default: every route.
 * 
 * @minItems 1
 * @maxItems 256
 */
routes?: RouteId[]
}
/**
 * A mail server. The people that a notice is for get it at the `email` of their roster entry. Its credentials are the variables `COUNTERSIGN_SMTP_USER` and `COUNTERSIGN_SMTP_PASSWORD` of the engine's environment; with neither there is no login. Either this or `webhook`.
 */
export interface MailServer {
/**
 * Its name. It must offer TLS, but on the loopback address.
 */
host: string
/**
 * Its port: 465 speaks TLS from the first byte, every other one begins it with STARTTLS. Default: 587.
 */
port?: number
from: EmailAddress
/**
 * PEM file of the certificates that sign the server's. Default: those of Node.
 */
ca_file?: string
}
/**
 * Reviews signed through Sigstore: with a key that lives for minutes and belongs to an OpenID Connect identity. Default: no such review counts.
 */
export interface Sigstore {
/**
 * The authorities and logs that count: a Sigstore `trusted_root.json`, below one of the folders of policies. Its content becomes part of the policy; nothing is fetched.
 */
trusted_root: string
/**
 * The certificate authority that people sign with.
 */
fulcio_url: string
/**
 * The transparency log that signatures go to: Rekor v2. Default: none, and `tlog_min` must be 0.
 */
rekor_url?: string
/**
 * The time stamp authority (RFC 3161).
 */
tsa_url: string
/**
 * Where people sign in. Which identities count is the roster's to say.
 */
oidc_issuer: string
/**
 * Whom identity tokens must be for. Default: `sigstore`.
 */
client_id?: string
/**
 * How many entries in a trusted transparency log a signature needs. Default: 1.
 */
tlog_min?: (0 | 1)
/**
 * How many trusted logs must have promised to list the certificate. Default: 1.
 */
ctlog_min?: (0 | 1)
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
 * The id of the decision about the call that gave the result. Only where the action's phase is `result`, and where the caller named it.
 */
call?: string
undoes?: Undoes
/**
 * The request's id, when one was opened or resolved.
 */
request?: string
resolution?: Resolution
}
}
/**
 * The receipt that let the call run which this one takes back. In the verdict of a rollback, and in how its request ended.
 */
export interface Undoes {
/**
 * Its log index.
 */
index: number
/**
 * Its own id: a decision's, or a request's.
 */
id: string
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
/**
 * What the routes asked for when it ended. Always there of what people let run.
 * 
 * @minItems 1
 */
asked?: AskedOfPeople[]
batch?: ResolutionBatch
/**
 * The request that was let run by breaking glass, which people looked at here: approved means ratified, rejected disavowed. It lets nothing run. `heldAt` is then the receipt that ended that request.
 */
ratifies?: string
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
export interface AskedOfPeople {
id: RouteId
/**
 * How many people; with groups, in all.
 */
quorum: number
signature: SignatureLevel
/**
 * How many of each group; absent where the route has none.
 * 
 * @minItems 1
 */
groups?: AskedOfAGroup[]
/**
 * There where the route was passed by breaking glass: how many people that took.
 */
breakGlass?: number
}
export interface AskedOfAGroup {
id: RouteId
quorum: number
}
/**
 * There where people reviewed it together with others: which batch they signed, and the proof that it lists this request. Reviews then bind the batch's id, root, nonce and end instead of the request's.
 */
export interface ResolutionBatch {
/**
 * The batch's own id, which the reviews name.
 */
request: string
root: DigestText
/**
 * The batch's nonce.
 */
nonce: string
expiresAt: Time
/**
 * The decision that held this action, as the batch lists it.
 */
decision: string
memberExpiresAt: Time
/**
 * Its place in the list.
 */
index: number
/**
 * How many requests are listed.
 */
size: number
/**
 * The audit path (RFC 6962 section 2.1.1) from this request to the root, hexadecimal.
 * 
 * @maxItems 7
 */
path: string[]
}
export interface Approval {
reviewer: Name
verdict: ("approve" | "reject" | "patch")
/**
 * The routes it counts for.
 */
route: RouteId[]
/**
 * Which places it fills of those that `resolution.asked` asks for: at most one a route. Only of an approval.
 * 
 * @minItems 1
 * @maxItems 64
 */
seats?: ApprovalSeat[]
/**
 * The reviewer let it run in an emergency: it counts among those whom the routes name for that.
 */
breakGlass?: true
fingerprint?: KeyFingerprint
identity?: ApprovalIdentity
/**
 * The Sigstore bundle as JSON. Its payload is the review statement, in full, so that an auditor can verify it offline.
 */
bundle?: string
/**
 * The signed bytes as text: RFC 8785 of a review statement, in full, so that the signature can be verified. With `fingerprint` and `signature`, or without all three.
 */
statement?: string
/**
 * SSHSIG armour.
 */
signature?: string
/**
 * The forge's id of the account that posted a review without a signature. There is only the engine's word for it.
 */
account?: string
/**
 * The forge's id of a review without a signature.
 */
review?: string
}
export interface ApprovalSeat {
route: RouteId
group?: RouteId
for?: Name
}
/**
 * Who signed through Sigstore. With `bundle`, and without the parts of another kind of signature.
 */
export interface ApprovalIdentity {
issuer: string
subject: string
}
/**
 * One execution: its grant was redeemed, or what came of it was reported.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "receipt__execution".
 */
export interface ExecutionReceipt {
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
 * Always `call`.
 */
name: "call"
/**
 * The grant's root: SHA-256 over the RFC 8785 text of `predicate.call`.
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
predicateType: "https://countersign.dev/attestation/execution/v0.1"
predicate: {
/**
 * `redeemed`: the grant was used up, so that the action could run. `reported`: what came of it was told later.
 */
stage: ("redeemed" | "reported")
/**
 * The receipt's id.
 */
id: string
/**
 * The grant's `jti`.
 */
grant: string
/**
 * The decision that let the action run.
 */
decision: string
/**
 * Log index of the receipt that let the action run: a verdict, or an approval.
 */
decidedAt: number
/**
 * Log index of the redemption. At stage `reported` only, and always there.
 */
redeemedAt?: number
/**
 * The request that people approved, when there was one.
 */
request?: string
/**
 * Whom the grant was for.
 */
audience: string
/**
 * The bundle that decided.
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
 * What remains of project, agent, service, action and payload as they ran, the payload committed to under the grant's seed.
 */
call: {
[k: string]: unknown
}
reportRoot?: DigestText
}
}
/**
 * That inputs of decisions were erased on purpose. The receipts of those decisions stay as they are.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "receipt__erasure".
 */
export interface ErasureReceipt {
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
 * Always `erasure`.
 */
name: "erasure"
/**
 * SHA-256 over the RFC 8785 text of `predicate`.
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
predicateType: "https://countersign.dev/attestation/erasure/v0.1"
predicate: {
/**
 * The receipt's id.
 */
id: string
/**
 * What was erased: all that was sealed under one subject's key, one decision, or what was kept long enough.
 */
scope: ("subject" | "decision" | "retention")
/**
 * The subject's pseudonym: an HMAC of its name under the engine's key. At scope `subject` only, and always there.
 */
subject?: string
/**
 * The decision's id. At scope `decision` only, and always there.
 */
decision?: string
before?: Time
tokensBefore?: Time
/**
 * The highest log index of a receipt whose inputs were erased. Absent where there was none.
 */
through?: number
/**
 * How many receipts lost their inputs.
 */
decisions: number
/**
 * How many clear values of tokens were deleted.
 */
tokens: number
/**
 * Why, in words. Never the name of the subject.
 */
reason: string
/**
 * Who erased, as that person said. Default: nobody said.
 */
by?: string
issuedAt: Time
/**
 * The log's origin.
 */
issuerId: string
}
}
/**
 * One step of a delivery between agents.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "receipt__custody".
 */
export interface CustodyReceipt {
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
 * Always `step`.
 */
name: "step"
/**
 * SHA-256 over the RFC 8785 text of `predicate.step`.
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
predicateType: "https://countersign.dev/attestation/custody/v0.1"
predicate: {
/**
 * The receipt's id: `cus_`, the delivery's id, a full stop, the step's number.
 */
id: string
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
step: CustodyStep
signed?: CustodySignature
vouched?: CustodyCredential
}
}
/**
 * The acting agent's own signature over the step.
 */
export interface CustodySignature {
fingerprint: KeyFingerprint
/**
 * SSHSIG armour in the namespace `countersign-custody`.
 */
signature: string
}
/**
 * Of an agent without a key: the credential that acted. For it there is only the engine's word.
 */
export interface CustodyCredential {
/**
 * The agents that it speaks for.
 * 
 * @minItems 1
 * @maxItems 1024
 */
agents: string[]
/**
 * Its role.
 */
role: string
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
phase?: PhaseWord
/**
 * What the call gave, in the phase `result`.
 */
result?: unknown
at?: Time
[k: string]: unknown
}
/**
 * What Rego reads below `data.countersign`: the compiled documents by name, with defaults filled in, without keys and places. A field that stands here stays; new ones may come.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "rego_data".
 */
export interface RegoData {
project: RegoDataProject
/**
 * Agents by name: `data.countersign.agents[input.action.agent]`.
 */
agents: {
[k: string]: RegoDataAgent
}
/**
 * Tools by service and action: `data.countersign.tools.billing.refund_payment`.
 */
tools: {
/**
 * The tools of a service by action.
 */
[k: string]: {
[k: string]: RegoDataTool
}
}
/**
 * Guardrails by id: `data.countersign.rules["refunds/too-many"]`.
 */
rules: {
[k: string]: RegoDataRule
}
/**
 * Routes by id.
 */
routes: {
[k: string]: RegoDataRoute
}
/**
 * People on the roster by id.
 */
people: {
[k: string]: RegoDataPerson
}
}
/**
 * The project.
 */
export interface RegoDataProject {
name: Name
/**
 * The verdict at each priority where no rule speaks.
 */
defaults: {
[k: string]: VerdictWord
}
/**
 * The verdict for a tool that no Tools file names.
 */
unknown_tools: ("hold" | "deny")
/**
 * When the policy ends; null when it does not.
 */
valid_until: (Time | null)
}
export interface RegoDataAgent {
/**
 * The person who answers for it.
 */
owner: (Name | null)
/**
 * Approved fingerprints, sorted; empty when none is asked for.
 */
fingerprints: string[]
/**
 * What it may spend, sorted by id; empty when no limit is set. What it has spent is state, not data.
 */
budgets: RegoDataBudget[]
/**
 * Its least privilege.
 */
scopes: RegoDataScope[]
}
export interface RegoDataBudget {
id: RuleId
/**
 * `call`, `session`, `agent`, or a window.
 */
per: string
/**
 * A number of tokens, or money.
 */
limit: (number | {
/**
 * Decimal text.
 */
amount: string
/**
 * ISO 4217.
 */
currency: string
})
/**
 * The verdict beyond it.
 */
then: ("hold" | "deny")
mode: Mode
/**
 * Who reviews a hold; null with `deny`.
 */
route: (RouteId | null)
}
export interface RegoDataScope {
/**
 * Tools, sorted. The library's `has_scope` compares them.
 */
tools: Tool[]
/**
 * Roles in which it may; null for every role.
 */
roles: (Name[] | null)
/**
 * Principals on whose behalf; absent for anybody.
 */
principals?: Glob[]
}
export interface RegoDataTool {
effect: Effect
priority: Priority
region?: Name
/**
 * Whether no approval opens the tool to an agent; absent otherwise.
 */
automate?: "never"
}
export interface RegoDataRule {
/**
 * The guardrail kind; `every` for a rule without one.
 */
kind: string
/**
 * What is wrong and why; null when the rule does not say.
 */
about: (string | null)
on: Selector
/**
 * The verdict of a finding.
 */
then: ("redact" | "hold" | "deny")
mode: Mode
/**
 * Who reviews a hold; null for another verdict.
 */
route: (RouteId | null)
}
export interface RegoDataRoute {
/**
 * People, from names and roles, sorted.
 */
reviewers: Name[]
/**
 * How many must approve.
 */
quorum: number
/**
 * The least assurance of a review.
 */
signature: string
time_out: Duration
/**
 * Fields that the request shows in clear, sorted.
 */
show: Path[]
}
export interface RegoDataPerson {
/**
 * The name to show.
 */
name: string
/**
 * Roles, sorted.
 */
roles: Name[]
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
shadow_until?: Time
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
threats?: Threats
}
export interface Counter {
per: Duration
by?: By
}
/**
 * What an agent must show before it ships: what it is made of, which evaluations it passes, what it may cost, and where it falls back to.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "release".
 */
export interface Release {
/**
 * The version of this format. Always `countersign/v1`.
 */
apiVersion: "countersign/v1"
/**
 * What this file holds. Always `Release` here; the folder does not matter.
 */
kind: "Release"
release: Name
/**
 * What is new.
 */
about?: string
agent: Name
/**
 * The agent's version.
 */
version: string
model: ReleaseModel
prompt: ReleasePrompt
tools: ReleaseTools
/**
 * What is rolled out, by digest. The gate must be shown each, and nothing else.
 * 
 * @minItems 1
 * @maxItems 64
 */
artefacts: ReleaseArtefact[]
/**
 * What the agent's actions carry as their fingerprint. The Agent file must approve it. Default: the SHA-256 of the RFC 8785 text of `{"model", "prompt", "tools"}`, prompt and tools by their digests.
 */
fingerprint?: string
/**
 * Evaluations that it must pass.
 * 
 * @minItems 1
 * @maxItems 64
 */
evals: ReleaseEval[]
/**
 * How long a run may take. Default: it is not asked.
 * 
 * @minItems 1
 * @maxItems 16
 */
latency?: ReleaseLatency[]
cost?: ReleaseCost
/**
 * `bound`: each evidence file must name the release's digest, or its own digest stands here. `age`: a fresh file is enough, which proves nothing about what was measured. Default: `bound`.
 */
evidence?: ("bound" | "age")
fallback: ReleaseFallback
rollback: ReleaseRollback
/**
 * What the gate says when a threshold is not reached, where an evaluation or a measurement says nothing else. What is stale, malformed or of another release is denied whatever stands here. Default: `deny`.
 */
missed?: ("hold" | "deny")
}
/**
 * The model that it runs on.
 */
export interface ReleaseModel {
/**
 * The model's name.
 */
name: string
/**
 * The model's version, as its maker pins it. Default: none is pinned.
 */
version?: string
}
/**
 * The prompt, by digest.
 */
export interface ReleasePrompt {
/**
 * The files of the prompt, by path from the source folder.
 * 
 * @minItems 1
 * @maxItems 256
 */
files: string[]
digest: DigestText
}
/**
 * The manifest of the agent's tools, by digest.
 */
export interface ReleaseTools {
/**
 * The files of the tool manifest, by path from the source folder.
 * 
 * @minItems 1
 * @maxItems 256
 */
files: string[]
digest: DigestText
}
export interface ReleaseArtefact {
/**
 * The artefact's name.
 */
name: string
digest: DigestText
}
export interface ReleaseEval {
id: RouteId
/**
 * The result, by path from the evidence folder.
 */
file: string
/**
 * What wrote the result: JUnit XML; promptfoo or Inspect as JSON; or `counts`: `{"passed", "failed", "skipped", "at"}`.
 */
format: ("junit" | "promptfoo" | "inspect" | "counts")
need: ReleaseNeed
max_age?: Duration
digest?: DigestText
/**
 * What the gate says when it is not reached: `hold`, people decide; `deny`. Default: the release's own `missed`.
 */
missed?: ("hold" | "deny")
}
export interface ReleaseLatency {
/**
 * The measurement, by path from the evidence folder.
 */
file: string
/**
 * `summary`: `{"count", "p50_ms", "p95_ms", "at"}`; `samples`: `{"samples_ms", "at"}`, of which nearest ranks are taken; `promptfoo`: the `latencyMs` of each result. Default: `summary`.
 */
format?: ("summary" | "samples" | "promptfoo")
/**
 * The most that 95 of 100 runs take, in milliseconds.
 */
p95_ms: number
/**
 * The most that half of the runs take, in milliseconds. Default: not asked.
 */
p50_ms?: number
max_age?: Duration
digest?: DigestText
/**
 * What the gate says when it is not reached: `hold`, people decide; `deny`. Default: the release's own `missed`.
 */
missed?: ("hold" | "deny")
}
/**
 * What a run may cost. Default: it is not asked.
 */
export interface ReleaseCost {
/**
 * The measurement, by path from the evidence folder.
 */
file: string
/**
 * `summary`: `{"runs", "usd", "at"}`, what all runs cost together; `promptfoo`: the `cost` of each result. Default: `summary`.
 */
format?: ("summary" | "promptfoo")
/**
 * The most that a run costs on average, in USD.
 */
usd_per_run: number
max_age?: Duration
digest?: DigestText
/**
 * What the gate says when it is not reached: `hold`, people decide; `deny`. Default: the release's own `missed`.
 */
missed?: ("hold" | "deny")
}
/**
 * The people who take over from the agent.
 */
export interface ReleaseFallback {
route: RouteId
}
/**
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "request__shown_field".
 */
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
 * There where this is a batch: like requests that share a pull request, in the order of asking. `root` is then the Merkle tree hash (RFC 6962) over them, each as the RFC 8785 text of its `request`, `decision`, `root`, `nonce` and `expires_at`; `decision` repeats it; and `findings` are those that all have.
 * 
 * @minItems 2
 * @maxItems 100
 */
members?: BatchMember[]
/**
 * The request that was let run by breaking glass, which people look at here. This one runs nothing: approved means ratified, rejected means disavowed. Absent of any other request.
 */
ratifies?: string
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
 * How many people; with groups, in all.
 */
quorum: number
/**
 * Who may from the beginning, sorted: those of all groups, and delegates.
 */
reviewers: Name[]
signature: SignatureLevel
expires_at: Time
/**
 * Groups that all need their quorum, sorted by id; one person counts in one of them. Absent without groups.
 * 
 * @minItems 1
 */
groups?: AskedGroup[]
/**
 * Who sits in another's seat, sorted. Without groups they have no seat of their own. Absent where nobody does.
 * 
 * @minItems 1
 */
delegates?: AskedDelegate[]
escalation?: AskedEscalation
/**
 * When people are reminded, sorted. Absent where they are not.
 * 
 * @minItems 1
 */
reminders?: Time[]
/**
 * A request that nobody settles in time is rejected. Absent where it expires.
 */
on_time_out?: "reject"
break_glass?: AskedBreakGlass
}
export interface AskedGroup {
id: RouteId
/**
 * How many of them.
 */
quorum: number
/**
 * Whose seats count in it, sorted.
 */
reviewers: Name[]
}
export interface AskedDelegate {
person: Name
for: Name
until: Time
}
/**
 * Who may review besides from when on, in any group. Absent where nobody may.
 */
export interface AskedEscalation {
at: Time
/**
 * Sorted.
 */
reviewers: Name[]
}
/**
 * Who may let it run in an emergency. Absent where nobody may.
 */
export interface AskedBreakGlass {
quorum: number
/**
 * Sorted.
 */
reviewers: Name[]
review_within: Duration
}
export interface BatchMember {
/**
 * The request's own id. It resolves on its own.
 */
request: string
/**
 * The decision that held its action.
 */
decision: string
root: DigestText
/**
 * Its own nonce.
 */
nonce: string
expires_at: Time
/**
 * Its action's payload and context, field by field.
 */
fields: ShownField[]
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
/**
 * Lets the action run in an emergency, by those whom the routes name for that. Only with an approval, and with a comment that says why.
 */
breakGlass?: true
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
/**
 * Teams that routes may name. Default: none.
 * 
 * @minItems 1
 * @maxItems 1024
 */
teams?: Team[]
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
email?: EmailAddress
/**
 * Pinned OpenPGP keys, for commits of policy changes alone: reviews are never signed with them. Default: none.
 * 
 * @maxItems 32
 */
gpg_keys?: PinnedOpenPGPKey[]
accounts?: Accounts
/**
 * Identities that the person signs with through Sigstore. Each stands in one entry only. Default: none.
 * 
 * @minItems 1
 * @maxItems 8
 */
identities?: PinnedIdentity[]
/**
 * Who reviews in this person's place for a while. Both together count once. A delegate cannot pass it on, and takes no part in escalation or break-glass. Default: nobody.
 * 
 * @minItems 1
 * @maxItems 16
 */
delegates?: Delegation[]
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
export interface PinnedOpenPGPKey {
/**
 * The primary key's fingerprint, as `gpg --fingerprint` prints it, without spaces. It stands in one entry only.
 */
fingerprint: string
/**
 * The public key, as `gpg --armor --export` prints it.
 */
public_key: string
revoked_at?: Time
}
/**
 * The account that the person reviews with, by kind of forge: its number, since a name can be changed and taken by somebody else. One account stands in one entry only. Default: none, and no review on such a forge counts as theirs.
 */
export interface Accounts {
github?: Account
gitea?: Account
}
export interface PinnedIdentity {
/**
 * Who vouches for the person: the OpenID Connect issuer, exactly as certificates name it.
 */
issuer: string
/**
 * Whom it vouches for, exactly as certificates name them: an e-mail address or a URI.
 */
subject: string
}
export interface Delegation {
to: Name
from?: Time
until: Time
/**
 * For which routes. Default: all that the person reviews on.
 * 
 * @minItems 1
 * @maxItems 64
 */
routes?: RouteId[]
}
export interface Team {
id: Name
/**
 * People on the roster.
 * 
 * @minItems 1
 * @maxItems 1024
 */
members: Name[]
}
/**
 * Some of the people of a route, and how many of them must approve. One of `reviewers`, `roles` and `teams` is needed.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "routes__group".
 */
export interface RouteGroup {
id: RouteId
reviewers?: RouteNames
roles?: RouteNames
teams?: RouteNames
/**
 * How many different people of it must approve. Default: 1.
 */
quorum?: number
}
/**
 * Times of day by the clocks of a zone. A window belongs to the day on which it begins.
 * 
 * This interface was referenced by `Unused`'s JSON-Schema
 * via the `definition` "routes__hours".
 */
export interface RouteHours {
/**
 * A zone of the IANA database, or `UTC`.
 */
zone: string
/**
 * When people are there: within any of these.
 * 
 * @minItems 1
 * @maxItems 64
 */
windows: TimeWindow[]
/**
 * Days, by the zone's calendar, on which nobody is there. Default: none.
 * 
 * @minItems 1
 * @maxItems 1024
 */
except?: string[]
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
 * Roles on the roster whose people may review. One of `reviewers`, `roles` and `teams` is needed, or `groups`.
 * 
 * @minItems 1
 * @maxItems 64
 */
roles?: Name[]
/**
 * Teams on the roster whose people may review.
 * 
 * @minItems 1
 * @maxItems 64
 */
teams?: Name[]
/**
 * How many different people must approve. Default: 1.
 */
quorum?: number
/**
 * Several lists of people, each with a quorum of its own that must be met; instead of `reviewers`, `roles`, `teams` and `quorum`. One person counts in one group of a route.
 * 
 * @minItems 1
 * @maxItems 16
 */
groups?: RouteGroup[]
on?: RouteSelector
signature?: SignatureLevel
time_out: Duration
/**
 * What becomes of a request that nobody settled: it expires, or counts as rejected. Neither lets it run. Default: `expire`.
 */
on_time_out?: ("expire" | "reject")
hours?: RouteHours
/**
 * After how long people are reminded, each time once. Default: never.
 * 
 * @minItems 1
 * @maxItems 8
 */
remind?: Duration[]
escalate?: RouteEscalation
break_glass?: RouteBreakGlass
batch?: RouteBatch
/**
 * Fields that the request shows in clear. Default: none.
 * 
 * @minItems 1
 * @maxItems 64
 */
show?: Path[]
baselines?: RouteBaselines
}
/**
 * Who may review besides, once people have let a request lie. The quorum stays; with `groups` they count in any of them. Default: nobody.
 */
export interface RouteEscalation {
after: Duration
reviewers?: RouteNames
roles?: RouteNames
teams?: RouteNames
}
/**
 * Who may let an action run in an emergency, with a signature that says so and why. Everybody concerned is told, and the route's people look at it afterwards. Default: nobody.
 */
export interface RouteBreakGlass {
reviewers?: RouteNames
roles?: RouteNames
teams?: RouteNames
/**
 * How many of them must sign so. Default: 1.
 */
quorum?: number
review_within: Duration
}
/**
 * Lets requests of one agent that the same rules held share a pull request, in which one review covers each digest that it lists. Default: each has its own.
 */
export interface RouteBatch {
/**
 * How many requests at most.
 */
max: number
within: Duration
}
/**
 * Lets `baseline propose --merge` merge a small change of a baseline without people: one that adds no transition, and touches none that people rejected or that leads to an irreversible tool. Where several routes say it, the least counts. Default: people review every change.
 */
export interface RouteBaselines {
/**
 * How far the chances of a baseline's transitions may move, in millionths and in all, before people must look at it again.
 */
movement_ppm_max: number
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
audience?: Audience
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
audience?: Audience
/**
 * Fields of the payload in which tokens are replaced by their clear values when a call may run, at once or after an approval. Only the caller gets them: receipts and requests keep the tokens. Default: none.
 * 
 * @minItems 1
 * @maxItems 64
 */
detokenise?: Path[]
/**
 * Fields beside payload and context that stay hidden in receipts. Default: none.
 * 
 * @minItems 1
 */
private?: ("principal" | "session")[]
/**
 * Payload fields in which a reference to a secret may stand within a longer text, such as `Bearer secret://env/API_KEY`. Elsewhere a reference is the whole of a field. Default: none.
 * 
 * @minItems 1
 * @maxItems 64
 */
secret_texts?: Path[]
region?: Name
/**
 * Classes of data by the payload field that holds them, for `residency` rules; `{}` for a tool that takes none. Default: not known.
 */
classes?: {
[k: string]: Name
}
/**
 * `never`: no approval opens the tool to an agent; every call is denied, whatever the rules say. Default: the rules say.
 */
automate?: "never"
/**
 * With `automate: never`: the tool with which an agent may prepare the call for a person. Default: none.
 */
draft?: string
undo?: Undo
}
/**
 * The call that takes a call of this tool back, for `rollback`. It is judged like any call of the same agent. Default: none.
 */
export interface Undo {
service?: Name
/**
 * The tool that takes it back; another one than this.
 */
action: string
/**
 * Its payload, field by field; `{}` for none.
 */
payload: {
[k: string]: UndoField
}
within?: Duration
}
/**
 * Exactly one of `from` and `value`.
 */
export interface UndoField {
from?: Path
/**
 * A value that is always the same: any JSON value.
 */
value?: unknown
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
 * The logs. Default: none; what lies in a log is then refused.
 * 
 * @minItems 1
 * @maxItems 256
 */
logs?: TrustedLog[]
witnesses?: TrustedWitnesses
/**
 * Bundles that decisions, and attestations of gates, may name. Default: not looked at.
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
sigstore?: TrustedSigstore
/**
 * Agents that sign the steps of deliveries: a step of one of them counts with one of these keys alone. Default: signatures are checked against the keys that they carry, and the answer says so.
 * 
 * @minItems 1
 * @maxItems 4096
 */
agents?: TrustedAgent[]
/**
 * Whether reviews count that a forge took without a signature, where a route asks for none: for them there is only the engine's word. Default: `refuse` where `reviewers` are given, else `accept`.
 */
unsigned_reviews?: ("accept" | "refuse")
/**
 * Who may sign bundles that an engine takes while it runs. Default: a bundle needs no signature.
 * 
 * @minItems 1
 * @maxItems 4096
 */
bundle_signers?: BundleSigner[]
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
/**
 * Who may sign that they saw a checkpoint. Default: none; a checkpoint with another signature than its log's is refused.
 */
export interface TrustedWitnesses {
/**
 * Witnesses whose signature counts.
 * 
 * @minItems 1
 * @maxItems 15
 * 
 * Items: A witness's verifier key in the signed-note form `name+hash+key`, of type 4 (C2SP `cosignature/v1`).
 */
keys: string[]
/**
 * How many of them must have signed a checkpoint. With 0 their signatures are verified and named, none is asked for.
 */
need: number
}
export interface TrustedReviewer {
id: Name
/**
 * The person's keys. Default: none.
 * 
 * @minItems 1
 * @maxItems 32
 */
fingerprints?: KeyFingerprint[]
/**
 * The person's identities at Sigstore. They count with `sigstore` only. Default: none.
 * 
 * @minItems 1
 * @maxItems 32
 */
identities?: TrustedIdentity[]
}
export interface TrustedIdentity {
/**
 * The OpenID Connect issuer, exactly as certificates name it.
 */
issuer: string
/**
 * Whom it vouches for, exactly as certificates name them.
 */
subject: string
}
/**
 * What reviews signed through Sigstore are checked against. Default: each is checked against the certificate that it carries, which proves nothing about who made that; with `reviewers`, none counts.
 */
export interface TrustedSigstore {
/**
 * The content of a Sigstore `trusted_root.json`.
 */
trusted_root: {
[k: string]: unknown
}
/**
 * How many entries in a trusted transparency log a signature needs. Default: 1.
 */
tlog_min?: (0 | 1)
/**
 * How many trusted logs must have promised to list the certificate. Default: 1.
 */
ctlog_min?: (0 | 1)
/**
 * Who may attest checkpoints, receipts and verdicts of a gate. Compared as whole strings. Default: nobody; attestations are then checked against the certificates that they carry, and the answer says so.
 * 
 * @minItems 1
 * @maxItems 256
 */
attesters?: Attester[]
}
export interface Attester {
/**
 * The OpenID Connect issuer, exactly as certificates name it.
 */
issuer: string
/**
 * Whom it vouches for, exactly as certificates name them.
 */
subject: string
}
export interface TrustedAgent {
agent: Name
/**
 * The agent's keys.
 * 
 * @minItems 1
 * @maxItems 32
 */
fingerprints: KeyFingerprint[]
}
export interface BundleSigner {
id: Name
/**
 * The signer's keys.
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
