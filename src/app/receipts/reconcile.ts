import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { EXECUTION_LINE_LENGTH_MAX, EXECUTIONS_MAX } from '../../base/limits.ts'
import { openDataFolder } from '../../host/data-folder.ts'
import { openGrantSigner } from '../../host/grant-key.ts'
import type { ExecutionReceipt, Receipt } from '../../model/generated/types.ts'
import type { Jwks, Store } from '../../model/ports.ts'
import type {
  Reconciliation,
  UnexecutedGrant,
  UnredeemedExecution,
} from '../../model/reconciliation.ts'
import { openGrant } from '../../trust/verify/index.ts'
import { openStoreForReading } from '../engine/open-engine.ts'

export type ReconcileOptions = {
  /** The engine's data folder. */
  readonly data: string
  /** The tool's log: JSON Lines, each an object with `at` and one of `jti`, `grant` and `root`. */
  readonly executions: string
  /** Redemptions before this moment, in Unix milliseconds, need no execution in the file. Default: the beginning. */
  readonly since?: number
}

/**
 * Compares a tool's own log of executions with the receipts: what ran without a redeemed grant, and what was redeemed but
 * did not run. Each grant stands for one execution.
 *
 * @throws {PolicyError} STORE_FAILED when the folder holds no store; FILE_UNREADABLE; EXECUTIONS_MALFORMED with the line
 */
export async function reconcileExecutions(options: ReconcileOptions): Promise<Reconciliation> {
  const store = openStoreForReading(options.data)
  try {
    const { jwks } = await openGrantSigner(openDataFolder(options.data).grantKey)
    const redemptions = await readRedemptions(store)
    return await compare(redemptions, jwks, options)
  } finally {
    await store.close()
  }
}

type Redemption = UnexecutedGrant & {
  readonly root: string
  readonly service: string
  readonly action: string
}

type Redemptions = {
  readonly all: readonly Redemption[]
  readonly byGrant: ReadonlyMap<string, Redemption>
  readonly byRoot: ReadonlyMap<string, Redemption>
}

async function readRedemptions(store: Store): Promise<Redemptions> {
  const all: Redemption[] = []
  for (let from = 0; ; from += PAGE) {
    const page = await store.receipts(from, PAGE)
    for (const [offset, bytes] of page.entries()) {
      const one = redemptionOf(from + offset, JSON.parse(fromUtf8(bytes)) as Receipt)
      if (one !== null) all.push(one)
    }
    if (page.length < PAGE) break
  }
  return {
    all,
    byGrant: new Map(all.map((one) => [one.grant, one])),
    byRoot: new Map(all.map((one) => [one.root, one])),
  }
}

const PAGE = 1_000
const EXECUTION = 'https://countersign.dev/attestation/execution/v0.1'

function redemptionOf(index: number, receipt: Receipt): Redemption | null {
  if (receipt.predicateType !== EXECUTION) return null
  const { predicate, subject } = receipt as ExecutionReceipt
  if (predicate.stage !== 'redeemed') return null
  const { agent = '', service = '', action = '' } = predicate.call as Record<string, string>
  return {
    index,
    grant: predicate.grant,
    redeemed_at: predicate.issuedAt,
    agent,
    service,
    action,
    tool: `${service}.${action}`,
    root: `sha256:${subject[0]?.digest.sha256}`,
  }
}

async function compare(
  redemptions: Redemptions,
  jwks: Jwks,
  { executions: file, since = -Infinity }: ReconcileOptions,
): Promise<Reconciliation> {
  const executed = new Set<string>()
  const unredeemed: UnredeemedExecution[] = []
  let count = 0
  for await (const execution of readExecutions(file)) {
    count += 1
    const found = match(execution, redemptions, jwks)
    if ('why' in found) {
      unredeemed.push(found)
    } else if (executed.has(found.grant)) {
      unredeemed.push({ ...shown(execution, found.grant), why: 'repeated' })
    } else {
      executed.add(found.grant)
    }
  }
  const compared = redemptions.all.filter(({ redeemed_at: at }) => Date.parse(at) >= since)
  return {
    executions: count,
    redeemed: compared.length,
    matched: executed.size,
    unredeemed,
    unexecuted: compared
      .filter(({ grant }) => !executed.has(grant))
      .map(({ root: _root, service: _service, action: _action, ...one }) => one),
  }
}

/** One line of a tool's log. Other members are the tool's own business. */
type Execution = {
  readonly line: number
  readonly at: string
  readonly service: string | null
  readonly action: string | null
  readonly jti: string | null
  readonly grant: string | null
  readonly root: string | null
}

function match(
  execution: Execution,
  { byGrant, byRoot }: Redemptions,
  jwks: Jwks,
): Redemption | UnredeemedExecution {
  const { service, action, root } = execution
  let id = execution.jti
  if (execution.grant !== null) {
    const signed = idOf(execution.grant, jwks)
    if (signed === null || (id !== null && id !== signed)) {
      return { ...shown(execution, id), why: 'forged' }
    }
    id = signed
  }
  if (id === null && root === null) return { ...shown(execution, null), why: 'none' }
  const found = id === null ? byRoot.get(root ?? '') : byGrant.get(id)
  const other = found !== undefined && root !== null && found.root !== root
  if (found === undefined || other) return { ...shown(execution, id ?? root), why: 'unredeemed' }
  const isOther =
    (service !== null && service !== found.service) || (action !== null && action !== found.action)
  return isOther ? { ...shown(execution, found.grant), why: 'other-tool' } : found
}

function shown(
  { line, at, service, action }: Execution,
  grant: string | null,
): Omit<UnredeemedExecution, 'why'> {
  const tool = service === null || action === null ? null : `${service}.${action}`
  return { line, at, tool, grant }
}

/** The id of a grant that this engine signed; null for any other token. */
function idOf(grant: string, jwks: Jwks): string | null {
  try {
    return openGrant(grant, jwks).jti
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

async function* readExecutions(file: string): AsyncGenerator<Execution> {
  let line = 0
  let input: AsyncIterable<string>
  try {
    input = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })
    for await (const text of input) {
      line += 1
      if (line > EXECUTIONS_MAX) throw malformed(line, `at most ${EXECUTIONS_MAX} lines`)
      if (text.trim() !== '') yield executionOf(line, text)
    }
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${file}`, { cause, file })
  }
}

function executionOf(line: number, text: string): Execution {
  let value: JsonValue
  try {
    value = parseJson(text, { bytesMax: EXECUTION_LINE_LENGTH_MAX })
  } catch (cause) {
    throw malformed(line, 'one JSON object', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(line, 'one JSON object')
  }
  const member = (name: string): string | null => {
    const found = Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined
    if (found === undefined || found === null) return null
    if (typeof found === 'string') return found
    throw malformed(line, `${name} to be text`)
  }
  const at = member('at')
  if (at === null || Number.isNaN(Date.parse(at))) throw malformed(line, 'at to be a time')
  return {
    line,
    at,
    service: member('service'),
    action: member('action'),
    jti: member('jti'),
    grant: member('grant'),
    root: member('root'),
  }
}

function malformed(line: number, expected: string, cause?: unknown): PolicyError {
  const message = `line ${line} of the executions: expected ${expected}`
  return new PolicyError('EXECUTIONS_MALFORMED', message, { cause })
}
