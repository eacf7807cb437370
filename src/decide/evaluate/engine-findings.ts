import type { CompiledTool } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { Said } from './fold.ts'
import { engineFinding } from './fold.ts'
import type { LoadedPolicy, Selection } from './policy.ts'
import { own } from './settings.ts'

/** What the engine itself says of an action, before any rule. */
export function engineFindings(
  loaded: LoadedPolicy,
  selection: Selection,
  action: JudgedAction,
  now: number,
): Said[] {
  const said: Said[] = []
  if (loaded.empty) said.push(policyEmpty())
  if (loaded.validUntil !== null && now >= loaded.validUntil) said.push(bundleExpired(loaded))
  if (action.project !== loaded.policy.project) said.push(otherProject())
  if (selection.agent === null) said.push(agentUnknown(action))
  else {
    if (!selection.inScope) said.push(outsideScope(selection.agent, action))
    else if (!mayActFor(selection, action)) said.push(otherPrincipal(selection.agent, action))
    const { fingerprints } = selection.agent
    const approved = action.fingerprint !== null && fingerprints.has(action.fingerprint)
    if (fingerprints.size > 0 && !approved) said.push(fingerprintUnknown(action))
  }
  if (selection.tool === null) said.push(toolUnknown(loaded, action))
  else if (own(selection.tool, 'automate') !== undefined) said.push(neverAutomated(selection.tool))
  if (needsDefault(selection)) said.push(...byDefault(loaded, selection))
  return said
}

// The default is for a known agent's known tool within scope: what is not has a finding of its own already.
// What came back of a call was asked for before: only rules that name results restrict it.
function needsDefault({ agent, tool, inScope, spoken, target }: Selection): boolean {
  return target.phase === 'call' && agent !== null && tool !== null && inScope && !spoken
}

function policyEmpty(): Said {
  return engineFinding('policy-empty', {
    verdict: 'deny',
    code: 'POLICY_EMPTY',
    message: 'The policy has neither an agent nor a rule.',
    evidence: {},
  })
}

function bundleExpired(loaded: LoadedPolicy): Said {
  return engineFinding('bundle-expired', {
    verdict: 'deny',
    code: 'BUNDLE_EXPIRED',
    message: 'The policy is no longer valid.',
    evidence: { valid_until: loaded.policy.valid_until },
  })
}

function otherProject(): Said {
  return engineFinding('other-project', {
    verdict: 'deny',
    code: 'PROJECT_NOT_OWNED',
    message: 'The action belongs to another project than the policy.',
    evidence: {},
  })
}

function agentUnknown({ agent }: JudgedAction): Said {
  return engineFinding('agent-unknown', {
    verdict: 'deny',
    code: 'AGENT_UNKNOWN',
    message: 'No Agent file names this agent.',
    evidence: { agent },
  })
}

function outsideScope(loaded: NonNullable<Selection['agent']>, action: JudgedAction): Said {
  const { agent, file, line, column } = loaded.agent
  const near = loaded.nearest(action)
  const tool = `${action.service}.${action.action}`
  const finding = {
    rule: 'scope/outside-agent-scope',
    kind: 'scope',
    verdict: 'deny' as const,
    mode: 'enforce' as const,
    message: 'The tool is in none of the scopes that the agent may use in this role.',
    evidence: { tool, agent, role: action.role, ...(near === null ? {} : { nearest: near }) },
    file,
    line,
    column,
  }
  return { finding, obligations: [] }
}

function mayActFor({ principals }: Selection, { principal }: JudgedAction): boolean {
  return principals === null || (principal !== null && principals(principal))
}

// The principal may be private: the finding says whether one is named, not who.
function otherPrincipal(loaded: NonNullable<Selection['agent']>, action: JudgedAction): Said {
  const { agent, file, line, column } = loaded.agent
  const named = action.principal !== null
  const finding = {
    rule: 'scope/principal-not-allowed',
    kind: 'scope',
    verdict: 'deny' as const,
    mode: 'enforce' as const,
    message: named
      ? "The agent's scopes do not let it use the tool on this principal's behalf."
      : 'The action names no principal, and the agent may use the tool on behalf of certain ones only.',
    evidence: { tool: `${action.service}.${action.action}`, agent, role: action.role, named },
    file,
    line,
    column,
  }
  return { finding, obligations: [] }
}

/** The last word on a tool that its file keeps from agents: a denial, which no review opens and no rule weakens. */
function neverAutomated(tool: CompiledTool): Said {
  const draft = own(tool, 'draft')
  const instead = typeof draft === 'string' ? ` It may prepare one with ${draft}.` : ''
  return engineFinding('never-automated', {
    verdict: 'deny',
    code: 'NEVER_AUTOMATED',
    message: `No agent may call this tool, and no approval opens it.${instead}`,
    evidence: {
      tool: `${tool.service}.${tool.action}`,
      ...(typeof draft === 'string' ? { draft } : {}),
    },
  })
}

function fingerprintUnknown({ agent, fingerprint }: JudgedAction): Said {
  return engineFinding('fingerprint-unknown', {
    verdict: 'hold',
    code: 'FINGERPRINT_UNKNOWN',
    message:
      fingerprint === null
        ? 'The action carries no fingerprint, and the agent has approved ones.'
        : "The action's fingerprint is not one of those approved for the agent.",
    evidence: { agent, fingerprint },
  })
}

function toolUnknown(loaded: LoadedPolicy, { service, action }: JudgedAction): Said {
  return engineFinding('tool-unknown', {
    verdict: loaded.policy.unknown_tools,
    code: 'TOOL_UNKNOWN',
    message: 'No Tools file names this tool.',
    evidence: { tool: `${service}.${action}` },
  })
}

function byDefault(loaded: LoadedPolicy, { target: { priority } }: Selection): readonly Said[] {
  const verdict = loaded.policy.defaults[priority]
  if (verdict === 'allow') return []
  const message = `No enforced rule speaks about this action; the default at priority ${priority} is ${verdict}.`
  return [engineFinding('default', { verdict, message, evidence: { priority } })]
}
