import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { compileGlob, isLiteral } from '../../base/glob.ts'
import { joinPointer } from '../../base/pointer.ts'
import { compareText } from '../../base/position.ts'
import { daysIn } from '../../decide/rego/builtins/time-calendar.ts'
import type {
  Agent,
  CompiledAgent,
  CompiledPolicy,
  CompiledTool,
  Project,
  Secrets,
  ToolFacts,
  Tools,
} from '../../model/generated/types.ts'
import { pathProblem } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import type { Report } from './report.ts'
import { sorted } from './sorted.ts'

/** Checks what the files say of secrets: where they come from, which agent may use which, and where they may stand. */
export function checkSecrets(documents: Documents, report: Report): void {
  const { projects, agents, tools, broken } = documents
  for (const project of projects) checkProviders(project, report)
  const [project] = projects
  const known = project !== undefined && !broken.has('Project')
  for (const agent of agents) {
    checkDays(agent, report)
    if (known) checkCredentials(agent, project.value.secrets, report)
  }
  for (const entry of tools) checkTexts(entry, report)
}

/** Providers with every default; nothing where the project has none. */
export function compileSecrets({ secrets }: Project): Pick<CompiledPolicy, 'secrets'> {
  if (secrets === undefined) return {}
  const { env, file, vault } = secrets
  return {
    secrets: {
      env: env === undefined ? null : sorted(env.names),
      file: file?.folder ?? null,
      vault: vault === undefined ? null : compileVault(vault),
    },
  }
}

/** An agent's credentials, sorted by reference and tools; nothing where it has none. */
export function compileCredentials(entry: Entry<Agent>): Pick<CompiledAgent, 'credentials'> {
  const { credentials } = entry.value
  if (credentials === undefined) return {}
  const compiled = credentials.map(({ secret, tools, rotate_by: rotateBy }, index) => ({
    secret,
    tools: sorted(tools),
    rotate_by: rotateBy ?? null,
    ...entry.at(`/credentials/${index}`),
  }))
  const order = (one: (typeof compiled)[number]) => `${one.secret} ${one.tools.join(' ')}`
  return { credentials: compiled.sort((a, b) => compareText(order(a), order(b))) }
}

/** Fields whose text may hold a reference; nothing where none may. */
export function compileSecretTexts({
  secret_texts: texts,
}: ToolFacts): Pick<CompiledTool, 'secret_texts'> {
  return texts === undefined ? {} : { secret_texts: sorted(texts) }
}

type Vault = NonNullable<Secrets['vault']>

function compileVault(vault: Vault): NonNullable<CompiledPolicy['secrets']>['vault'] {
  const { app_role: role } = vault
  return {
    address: vault.address.replace(/\/$/, ''),
    mount: vault.mount ?? 'secret',
    namespace: vault.namespace ?? null,
    ca_file: vault.ca_file ?? null,
    time_out: vault.time_out ?? '5s',
    token: vault.token ?? null,
    app_role: role === undefined ? null : { ...role, mount: role.mount ?? 'approle' },
  }
}

const TIME_OUT_MS_MAX = 60_000

function checkProviders(project: Entry<Project>, report: Report): void {
  const vault = project.value.secrets?.vault
  if (vault === undefined) return
  const at = '/secrets/vault'
  if (!isSafeAddress(vault.address)) {
    const message = 'expected an https address; http is for the loopback address only'
    report.error(project.at(`${at}/address`), 'VALUE_INVALID', message)
  }
  if (vault.token === undefined && vault.app_role === undefined) {
    report.error(project.at(at), 'KEY_MISSING', 'expected the key "token" or "app_role"')
  }
  if (vault.token !== undefined && vault.app_role !== undefined) {
    const message = 'expected one of "token" and "app_role", found both'
    report.error(project.keyAt(`${at}/app_role`), 'VALUE_INVALID', message)
  }
  if (vault.time_out !== undefined && !isTimeOut(vault.time_out)) {
    const message = 'expected a duration from 1ms to 1m'
    report.error(project.at(`${at}/time_out`), 'DURATION_INVALID', message)
  }
}

/** Whether nobody on the way can read along. */
export function isSafeAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || LOOPBACK.has(hostname)
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])

function isTimeOut(text: string): boolean {
  try {
    const ms = parseDuration(text)
    return ms >= 1 && ms <= TIME_OUT_MS_MAX
  } catch (error) {
    if (error instanceof PolicyError) return false
    throw error
  }
}

function checkCredentials(entry: Entry<Agent>, secrets: Secrets | undefined, report: Report): void {
  entry.value.credentials?.forEach(({ secret }, index) => {
    const problem = providerProblem(secret, secrets)
    const place = entry.at(`/credentials/${index}/secret`)
    if (problem !== null) report.error(place, 'REFERENCE_UNKNOWN', problem)
  })
}

function checkDays(entry: Entry<Agent>, report: Report): void {
  entry.value.credentials?.forEach(({ rotate_by: rotateBy }, index) => {
    if (rotateBy === undefined || isDay(rotateBy)) return
    const message = `expected a day that exists, found ${JSON.stringify(rotateBy)}`
    report.error(entry.at(`/credentials/${index}/rotate_by`), 'VALUE_INVALID', message)
  })
}

function providerProblem(secret: string, secrets: Secrets | undefined): string | null {
  const [provider = '', name = ''] = partsOf(secret)
  if (secrets === undefined || !Object.hasOwn(secrets, provider)) {
    return `countersign.yaml sets up no provider ${JSON.stringify(provider)}; write it below "secrets"`
  }
  const names = provider === 'env' ? (secrets.env?.names ?? []) : ['*']
  // Of a name with a glob it is not known which variables it stands for.
  const known = !isLiteral(name) || names.some((glob) => compileGlob(glob)(name))
  return known ? null : `countersign.yaml lets nobody read the variable ${name}`
}

function partsOf(secret: string): readonly string[] {
  const rest = secret.slice('secret://'.length)
  const slash = rest.indexOf('/')
  return [rest.slice(0, slash), rest.slice(slash + 1)]
}

function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number)
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

function checkTexts(entry: Entry<Tools>, report: Report): void {
  for (const [action, { secret_texts: texts }] of Object.entries(entry.value.tools)) {
    texts?.forEach((path, index) => {
      const problem = pathProblem(path, ['payload'], true)
      if (problem === null) return
      const at = `${joinPointer('/tools', action)}/secret_texts/${index}`
      report.error(entry.at(at), 'PATH_INVALID', problem)
    })
  }
}
