import { sign } from 'node:crypto'
import { resolve } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import { decodeBase64url, decodeHex, encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { LOG_ENTRY_BYTES_MAX } from '../../base/limits.ts'
import { openEd25519Key } from '../../host/ed25519-key.ts'
import { readLines, writeAtomically } from '../../host/files.ts'
import type { RecordedSession } from '../../model/generated/types.ts'
import type { Store } from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import { ACTA_GENESIS, actaDigest, actaPayload } from '../../trust/receipt/acta.ts'
import { parseReceipt } from '../../trust/receipt/statement.ts'
import { type ActaReceipt, checkActaChain, verifyActa } from '../../trust/verify/acta.ts'

const PAGE = 1_000

/** What a conversion wrote: receipts, and how many of the log have no counterpart in that form. */
export type ActaExport = {
  readonly written: number
  readonly left_out: number
  /** Hexadecimal, for `--public-key` and for other verifiers. */
  readonly public_key: string
}

/**
 * Writes a store's receipts as a chain of signed decision receipts, one a line.
 *
 * @param options.key - an Ed25519 key, PEM (PKCS #8), made on first use; it signs the chain, not the log
 * @throws {PolicyError} FILE_UNREADABLE
 */
export async function exportActa(
  store: Store,
  options: { readonly key: string; readonly out: string },
): Promise<ActaExport> {
  checkApart(options.out, options.key)
  const { key, x } = openEd25519Key(options.key, 'the key of the chain')
  const publicKey = encodeHex(decodeBase64url(x))
  const lines: string[] = []
  let [previous, size] = [ACTA_GENESIS, 0]
  for (;;) {
    const page = await store.receipts(size, PAGE)
    for (const [at, entry] of page.entries()) {
      const link = { sequence: lines.length + 1, previous }
      const payload = actaPayload(parseReceipt(entry), { index: size + at, entry }, link)
      if (payload === null) continue
      const signature = sign(null, utf8(canonicalize(payload)), key).toString('hex')
      lines.push(canonicalize({ payload, signature, pubkey: publicKey }))
      previous = actaDigest(payload)
    }
    size += page.length
    if (page.length === 0) break
  }
  await writeAtomically(options.out, lines.map((line) => `${line}\n`).join(''))
  return { written: lines.length, left_out: size - lines.length, public_key: publicKey }
}

export type ActaImport = {
  readonly receipts: number
  readonly sessions: number
  /** Whether the file's receipts form one chain from its first on; null where the shape has none. */
  readonly chained: true | null
}

/**
 * Verifies signed decision receipts of another gateway, one a line, and writes what they say as recorded
 * sessions, for `replay` and `diff`: the arguments as digests, since the receipts hold no more.
 *
 * @param options.publicKey - Ed25519, hexadecimal
 * @throws {PolicyError} RECEIPT_INVALID, SIGNATURE_WRONG, KEY_NOT_PINNED, with file and line; FILE_UNREADABLE
 */
export async function importActa(options: {
  readonly file: string
  readonly publicKey: string
  readonly out: string
  /** Who acted, where receipts do not say or say no name. */
  readonly agent?: string
  /** The service of tools that name none. */
  readonly service: string
}): Promise<ActaImport> {
  checkApart(options.out, options.file)
  const publicKey = keyBytes(options.publicKey)
  const receipts: ActaReceipt[] = []
  for await (const { number: line, text } of readLines(options.file, LOG_ENTRY_BYTES_MAX)) {
    receipts.push(
      placed(options.file, line, () => {
        const receipt = verifyActa(text, publicKey)
        if (receipts.length > 0 && receipt.shape !== receipts[0]?.shape) {
          throw new PolicyError('RECEIPT_INVALID', 'expected receipts of one shape in a file')
        }
        return receipt
      }),
    )
  }
  if (receipts.length === 0) {
    throw new PolicyError('RECEIPT_INVALID', 'expected a receipt at least', { file: options.file })
  }
  const isChain = receipts[0] !== undefined && receipts[0].link !== null
  if (isChain) placed(options.file, undefined, () => checkActaChain(receipts))
  const sessions = sessionsOf(receipts, options)
  await writeAtomically(options.out, sessions.map((one) => `${JSON.stringify(one)}\n`).join(''))
  return { receipts: receipts.length, sessions: sessions.length, chained: isChain ? true : null }
}

/** What is written must not replace what is read. @throws {PolicyError} USAGE_INVALID */
function checkApart(out: string, other: string): void {
  if (resolve(out) === resolve(other)) {
    throw new PolicyError('USAGE_INVALID', `expected another file than ${other} to write to`)
  }
}

/** An error of a line, with its place. */
function placed<T>(file: string, line: number | undefined, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    const place = line === undefined ? { file } : { file, at: { line, column: 1 } }
    throw new PolicyError(cause.code, cause.message, { ...place, cause })
  }
}

/** One session for each that is named, in the order in which they began; without names, one in all. */
function sessionsOf(
  receipts: readonly ActaReceipt[],
  {
    file,
    agent,
    service,
  }: { readonly file: string; readonly agent?: string; readonly service: string },
): RecordedSession[] {
  const sessions = new Map<string, Session>()
  for (const [at, receipt] of receipts.entries()) {
    placed(file, at + 1, () => {
      const name = receipt.session ?? 'acta'
      const by = agent ?? receipt.agent ?? ''
      const session = { session: name, agent: by, steps: [stepOf(receipt, service)] }
      const [problem] = validate('recorded-session', session)
      if (problem !== undefined) {
        const message = `at '${problem.pointer}': ${problem.message}; \`--agent\` names who acted`
        throw new PolicyError('RECEIPT_INVALID', message)
      }
      // A name of an agent has no spaces.
      const key = `${name} ${by}`
      const before = sessions.get(key)
      if (before === undefined) sessions.set(key, session)
      else before.steps.push(...session.steps)
    })
  }
  return [...sessions.values()]
}

type Step = RecordedSession['steps'][number]
type Session = { readonly session: string; readonly agent: string; readonly steps: Step[] }

function stepOf({ tool, at, argsDigest }: ActaReceipt, service: string): Step {
  const dot = tool.indexOf('.')
  const named = dot > 0 && dot < tool.length - 1
  return {
    service: named ? tool.slice(0, dot) : service,
    action: named ? tool.slice(dot + 1) : tool,
    ...(argsDigest === null ? {} : { args_digest: argsDigest }),
    at,
  }
}

function keyBytes(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/.test(text)) return decodeHex(text)
  throw new PolicyError('USAGE_INVALID', 'expected an Ed25519 public key as 64 hexadecimal digits')
}
