import { hmacKey } from '../../../src/base/digest.ts'
import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'
import { evaluate } from '../../../src/decide/evaluate/evaluate.ts'
import type { LoadedPolicy } from '../../../src/decide/evaluate/policy.ts'
import { preparePolicy } from '../../../src/decide/evaluate/policy.ts'
import type { RegoOutcome, RegoProgram } from '../../../src/decide/rego/types.ts'
import type {
  CompiledAgent,
  CompiledPackage,
  CompiledPolicy,
  CompiledRule,
  CompiledTool,
} from '../../../src/model/generated/types.ts'
import type { Evaluation, JudgedAction, StateSlice } from '../../../src/model/nouns.ts'

/** 2026-05-01T12:00:00Z */
export const NOON = Date.UTC(2026, 4, 1, 12)
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const KEY = hmacKey(new Uint8Array(32).fill(7))

export function action(changes: Partial<JudgedAction> = {}): JudgedAction {
  return {
    project: 'shop',
    agent: 'billing-agent',
    session: 's1',
    principal: null,
    role: 'agent',
    service: 'billing',
    action: 'refund',
    payload: {},
    context: {},
    priority: 'medium',
    fingerprint: null,
    ...changes,
  }
}

/** Changes of a rule; `verdict` stands for its `then`. */
export type RuleChanges = Partial<Omit<CompiledRule, 'then'>> & { verdict?: CompiledRule['then'] }

export function rule(changes: RuleChanges = {}): CompiledRule {
  const { verdict, ...rest } = { verdict: 'deny' as const, ...changes }
  const change = verdict === 'redact' ? 'redact' : null
  return {
    id: 'test/rule',
    kind: 'every',
    about: null,
    on: {},
    when: [],
    spec: {},
    then: verdict,
    change,
    obligations: [],
    route: null,
    mode: 'enforce',
    file: 'policies/guardrails/test.yaml',
    line: 4,
    column: 5,
    ...rest,
  }
}

/** What makes a rule mask these fields. */
export function masking(paths: string[]): Pick<CompiledRule, 'obligations'> {
  return { obligations: [{ kind: 'redact', paths }] }
}

export function agent(changes: Partial<CompiledAgent> = {}): CompiledAgent {
  const place = { file: 'policies/agents/billing.yaml', line: 3, column: 1 }
  return {
    agent: 'billing-agent',
    owner: null,
    fingerprints: [],
    scopes: [{ tools: ['billing.*', 'crm.*'], roles: null, ...place, line: 5 }],
    ...place,
    ...changes,
  }
}

export function tool(changes: Partial<CompiledTool> = {}): CompiledTool {
  return {
    service: 'billing',
    action: 'refund',
    effect: 'write',
    priority: 'low',
    private: [],
    file: 'policies/tools/billing.yaml',
    line: 5,
    column: 3,
    ...changes,
  }
}

export function regoPackage(changes: Partial<CompiledPackage> = {}): CompiledPackage {
  const place = { file: 'policies/rego/refunds.rego', line: 1, column: 1 }
  return {
    package: 'countersign.refunds',
    on: {},
    mode: 'enforce',
    route: null,
    counters: [],
    rules: [{ name: 'deny', entrypoint: 'countersign/refunds/deny', ...place, line: 9 }],
    ...place,
    ...changes,
  }
}

/** A package with one rule of the contract. */
export function regoRule(
  name: 'deny' | 'hold' | 'redact' | 'warn',
  changes: Partial<CompiledPackage> = {},
): CompiledPackage {
  const place = { file: 'policies/rego/refunds.rego', line: 9, column: 1 }
  const rules = [{ name, entrypoint: `countersign/refunds/${name}`, ...place }]
  return regoPackage({ rules, ...changes })
}

/** A Rego program that answers every entry point alike. */
export function program(
  entrypoints: readonly string[],
  answer: (entrypoint: string, input: JsonObject) => RegoOutcome,
): RegoProgram {
  return {
    entrypoints,
    evaluate: answer,
    evaluateAll: (paths, input) => paths.map((path) => answer(path, input)),
  }
}

export function route(id: string): CompiledPolicy['routes'][number] {
  return {
    id,
    reviewers: ['ana'],
    quorum: 1,
    signature: 'ssh',
    time_out: '1h',
    show: [],
    file: 'policies/routes/routes.yaml',
    line: 4,
    column: 5,
  }
}

/** A policy that allows by default: only its rules speak. */
export function policyOf(changes: Partial<CompiledPolicy> = {}): CompiledPolicy {
  return {
    project: 'shop',
    defaults: { low: 'allow', medium: 'allow', high: 'allow', critical: 'allow' },
    unknown_tools: 'deny',
    valid_until: null,
    self_test: [],
    evaluation_ms_max: 1000,
    evaluation_steps_max: 500_000,
    evaluation_bytes_max: 16_777_216,
    rego_packages: [],
    log_origin: 'countersign.local/shop',
    forge: { kind: 'local', path: 'forge.git', base: 'main' },
    agents: [agent()],
    tools: [
      tool(),
      tool({ action: 'read', effect: 'read' }),
      tool({ service: 'crm', action: 'export' }),
    ],
    rules: [],
    rego: [],
    routes: [route('default'), route('payments'), route('security')],
    people: [],
    ...changes,
  }
}

export function load(
  changes: Partial<CompiledPolicy> = {},
  rego: RegoProgram | null = null,
): LoadedPolicy {
  return preparePolicy(policyOf(changes), rego)
}

/** A policy, its state carried from one action to the next. */
export function run(
  loaded: LoadedPolicy,
  start: StateSlice = {},
): {
  judge(changes: Partial<JudgedAction>, now?: number): Evaluation
  state(): StateSlice
} {
  let state = start
  return {
    judge(changes, now = NOON) {
      const result = evaluate(loaded, { action: action(changes), state, now, key: KEY })
      state = { ...state, ...result.state }
      return result
    },
    state: () => state,
  }
}

/** One rule's verdict on one action, without state. */
export function judgeOne(one: CompiledRule, changes: Partial<JudgedAction> = {}): Evaluation {
  return run(load({ rules: [one] })).judge(changes)
}

export function codes(result: Evaluation): (string | undefined)[] {
  return result.findings.map((finding) => finding.code)
}

export function ids(result: Evaluation): string[] {
  return result.findings.map((finding) => finding.rule)
}

export function payload(value: JsonValue): JsonObject {
  return { value }
}
