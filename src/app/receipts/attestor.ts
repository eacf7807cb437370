import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import { ATTEST_PAUSE_MS_MAX, ATTEST_PAUSE_MS_MIN } from '../../base/limits.ts'
import type { AttestReport, MadeAttestation } from '../../model/attestation-report.ts'
import type { CompiledSigstore } from '../../model/generated/types.ts'
import type { KeylessSigner } from '../../model/ports.ts'
import { openKeylessSigner } from '../approvals/reviewer.ts'
import { openLoop, openRounds } from '../approvals/rounds.ts'
import type { AttestParts } from './attest.ts'
import { ATTEST_DEFAULT, asTrouble, attestDue, attestReceipt, isAttested } from './attest.ts'
import type { Backlog } from './attest-queue.ts'
import { openQueue } from './attest-queue.ts'

export type AttestorOptions = {
  /** A file with an identity token, which whoever writes it keeps fresh. Default: `COUNTERSIGN_IDENTITY_TOKEN_FILE`. */
  readonly tokenFile?: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Signs in the place of the policy's services. */
  readonly signer?: KeylessSigner
  /** How often to look for what is due, in milliseconds. Default: 1000. */
  readonly lookMs?: number
  /** Before the second try, in milliseconds; it doubles with each. Default: ATTEST_PAUSE_MS_MIN. */
  readonly pauseMs?: number
}

/**
 * Has others vouch for the log, in the background. Neither decisions nor receipts wait for it, unless the policy says so;
 * what an outage or a crash leaves undone is found again in the log.
 */
export interface Attestor {
  /** Works from now on, where the policy asks for it and a token is at hand. */
  start(): void
  /** Attests all that is due, now, and every checkpoint that has grown. Throws nothing of what the services refuse. */
  round(): Promise<AttestReport>
  /** Attests one receipt. @throws {PolicyError} as {@link attestReceipt}, RECEIPT_UNKNOWN */
  receipt(index: number): Promise<MadeAttestation>
  /** Whether the receipt has an attestation that holds. */
  has(index: number): Promise<boolean>
  /** Whether an approval, by its receipt, lets nothing run yet, since the policy wants others to have vouched for it first. */
  holdsBack(index: number): Promise<boolean>
  /** Resolves when it has one, or when the time is over. @throws the signal's reason when it is aborted */
  wait(index: number, ms: number, signal?: AbortSignal): Promise<void>
  backlog(): Promise<Backlog>
  /** Whether an identity token can be had without asking anybody. */
  hasToken(): boolean
  /** Why the last try failed; null when it did not. */
  trouble(): PolicyError | null
  stop(): Promise<void>
}

export function openAttestor(parts: AttestParts, options: AttestorOptions): Attestor {
  const { lookMs = LOOK_MS, pauseMs = ATTEST_PAUSE_MS_MIN } = options
  const queue = openQueue(parts.dataFolder, parts.store)
  const known = new Set<number>()
  const signer = signers(parts, options)
  let [isStopped, failures] = [false, 0]
  let trouble: PolicyError | null = null
  const run = async (): Promise<void> => {
    const { attest: terms, sigstore } = parts.judge.bundle.policy
    if (isStopped || terms === undefined || sigstore === undefined || !hasToken(options)) return
    try {
      const stops = { isStopped: () => isStopped }
      const report = await attestDue(parts, queue, { signer, terms, force: false, ...stops })
      trouble = report.trouble
    } catch (error) {
      trouble = asTrouble(error)
    }
    failures = trouble === null ? 0 : failures + 1
  }
  const rounds = openRounds(run)
  const rest = () =>
    failures === 0 ? lookMs : Math.min(pauseMs * 2 ** (failures - 1), ATTEST_PAUSE_MS_MAX)
  const loop = openLoop({
    pauseMs: (since) => Math.max(0, rest() - since),
    isWanted: () => false,
    run: () => rounds.join(),
  })
  const has = async (index: number): Promise<boolean> => {
    if (known.has(index)) return true
    const [entry] = await parts.store.receipts(index, 1)
    if (entry === undefined || !isAttested(parts, index, entry)) return false
    known.add(index)
    return true
  }
  return {
    start: () => {
      if (hasToken(options)) loop.start()
    },
    round: () => {
      const terms = parts.judge.bundle.policy.attest ?? ATTEST_DEFAULT
      const all = openQueue(parts.dataFolder, parts.store, 'start')
      return attestDue(parts, all, { signer, terms, force: true })
    },
    receipt: async (index) =>
      attestReceipt(parts, { index, signer: await signer() }, await queue.receipt(index)),
    has,
    holdsBack: async (index) =>
      parts.judge.bundle.policy.attest?.wait === 'resolutions' && !(await has(index)),
    wait: async (index, ms, signal) => {
      const until = performance.now() + ms
      for (;;) {
        signal?.throwIfAborted()
        if (isStopped) {
          throw new PolicyError('ENGINE_FAILED', 'the engine was closed', { retryable: true })
        }
        const left = until - performance.now()
        if (left <= 0 || (await has(index))) return
        await sleep(Math.min(left, WAIT_LOOK_MS), undefined, signal === undefined ? {} : { signal })
      }
    },
    backlog: () => queue.backlog(parts.judge.bundle.policy.attest ?? ATTEST_DEFAULT),
    hasToken: () => hasToken(options) && isTokenFileThere(options),
    trouble: () => trouble,
    stop: async () => {
      isStopped = true
      // What a service has been asked may take its time; it finds its file, and touches no store any more.
      const late = sleep(STOP_MS_MAX, undefined, { ref: false })
      await Promise.race([loop.stop().then(() => rounds.idle()), late])
    },
  }
}

/** @returns the error of what an approval lets run, before others have vouched for it */
export function unattested(decision: string): PolicyError {
  const message = `${decision} is approved, and not attested yet`
  return new PolicyError('ACTION_PENDING', message, { retryable: true })
}

const LOOK_MS = 1_000
const WAIT_LOOK_MS = 100
const STOP_MS_MAX = 2_000

/** Whether a token lies there, or a workload's surroundings give one; what it is worth the services say. */
function hasToken({ signer, tokenFile, environment }: AttestorOptions): boolean {
  const own = (name: string): boolean => Boolean(environment[name])
  const isGiven = signer !== undefined || tokenFile !== undefined || own(TOKEN_FILE)
  const asksGitHub = own('ACTIONS_ID_TOKEN_REQUEST_URL') && own('ACTIONS_ID_TOKEN_REQUEST_TOKEN')
  return isGiven || own('SIGSTORE_ID_TOKEN') || asksGitHub
}

/** Whoever writes the file may do so late: the attestor goes on looking for it. */
function isTokenFileThere({ signer, tokenFile, environment }: AttestorOptions): boolean {
  const file = tokenFile ?? environment[TOKEN_FILE]
  return signer !== undefined || file === undefined || existsSync(file)
}

const TOKEN_FILE = 'COUNTERSIGN_IDENTITY_TOKEN_FILE'

/** One signer for each set of services: its certificate serves until it ends, or the policy names others. */
function signers(parts: AttestParts, options: AttestorOptions): () => Promise<KeylessSigner> {
  let made: {
    readonly services: CompiledSigstore | undefined
    readonly signer: KeylessSigner
  } | null = null
  return async () => {
    if (options.signer !== undefined) return options.signer
    const services = parts.judge.bundle.policy.sigstore
    if (made !== null && made.services === services) return made.signer
    const signer = await openKeylessSigner(parts, {
      folder: process.cwd(),
      tokenFile: options.tokenFile ?? options.environment[TOKEN_FILE],
      environment: options.environment,
      say: null,
    })
    made = { services, signer }
    return signer
  }
}
