import { Worker } from 'node:worker_threads'
import { openBatcher } from '../../src/app/engine/batch.ts'
import { engineOf } from '../../src/app/engine/engine.ts'
import { openJudge } from '../../src/app/engine/judge.ts'
import { openParts } from '../../src/app/engine/open-engine.ts'
import type { Parts } from '../../src/app/engine/parts.ts'
import { actionDocument } from '../../src/app/engine/record.ts'
import { canonicalize } from '../../src/base/canonical-json.ts'
import { sha256Text, utf8 } from '../../src/base/digest.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { JsonValue } from '../../src/base/json-value.ts'
import type { Action, Outcome } from '../../src/model/generated/types.ts'
import type { StateSlice } from '../../src/model/nouns.ts'
import type { StoreTransaction } from '../../src/model/ports.ts'
import type { Bundle } from '../../src/policy/bundle/index.ts'
import { BUNDLE_FILE, makeBundle } from '../../src/policy/bundle/index.ts'
import type { Subject, Subjects } from './subjects.ts'
import type { Became, Tally } from './tally.ts'
import { RANK } from './tally.ts'

/** Opens an engine on a bundle, in a folder that goes afterwards. */
export type OpenEngine = (bundle: Bundle, subject: Subject) => Promise<Parts>

/** What REPLAY_KEY is made of. */
const REPLAY_SECRET = sha256Text('countersign replay key v1')

/** How long an answer is waited for that should never come. */
const PATIENCE_MS = 300

/** What a store does that is broken, full, slow or somebody else's. */
const STORE_FAULTS: Readonly<Record<string, (tx: StoreTransaction) => StoreTransaction>> = {
  'throws a typed error on reading': (tx) => ({
    ...tx,
    readState: () => Promise.reject(new PolicyError('STORE_FAILED', 'broken')),
  }),
  'throws a text on reading': (tx) => ({
    ...tx,
    readState: () => {
      throw 'broken'
    },
  }),
  'never answers': (tx) => ({ ...tx, readState: () => new Promise(() => undefined) }),
  'gives nothing': (tx) => ({ ...tx, readState: async () => undefined as unknown as StateSlice }),
  'gives null': (tx) => ({ ...tx, readState: async () => null as unknown as StateSlice }),
  'gives a text': (tx) => ({ ...tx, readState: async () => 'state' as unknown as StateSlice }),
  'gives entries of other keys': (tx) => ({
    ...tx,
    readState: async (keys) => renamed(await tx.readState(keys)),
  }),
  'gives entries of other keys beside them': (tx) => ({
    ...tx,
    readState: async (keys) => {
      const state = await tx.readState(keys)
      return { ...state, ...renamed(state) }
    },
  }),
  'gives entries that are promises': (tx) => ({
    ...tx,
    readState: async (keys) =>
      Object.fromEntries(keys.map((key) => [key, Promise.resolve(null)])) as unknown as StateSlice,
  }),
  'throws on writing': (tx) => ({
    ...tx,
    writeState: () => Promise.reject(new PolicyError('STORE_FAILED', 'full')),
  }),
  'throws on the receipt': (tx) => ({
    ...tx,
    appendDecision: () => Promise.reject(new PolicyError('STORE_FAILED', 'full')),
  }),
}

function renamed(state: StateSlice): StateSlice {
  return Object.fromEntries(Object.entries(state).map(([key, entry]) => [`${key}x`, entry]))
}

/**
 * Breaks the store of an engine that has been through what came before a subject. The subject's verdict must come of its
 * state, so that a state that is lost would let it pass.
 */
export async function damageStore(
  { bundle }: Subjects,
  subject: Subject,
  open: OpenEngine,
  tally: Tally,
): Promise<void> {
  const opened = await open(bundle, subject)
  // The subject's state is kept under keys that the tests' own key makes.
  const parts = { ...opened, judge: openJudge(bundle, REPLAY_SECRET) }
  await parts.store.transact((tx) => tx.writeState(subject.state))
  const { verdict } = await engineOf(parts, async () => undefined).decide(documentOf(subject))
  if (verdict !== subject.intact.verdict) throw new Error(`the intact store gives ${verdict}`)
  for (const [kind, broken] of Object.entries(STORE_FAULTS)) {
    const store: Parts['store'] = {
      ...parts.store,
      transact: (work) => parts.store.transact((tx) => work(broken(tx))),
    }
    // A store that never answers holds its transaction for ever, so nothing may wait for it.
    const faulty =
      kind === 'never answers'
        ? { ...store, transact: () => new Promise<never>(() => undefined) }
        : store
    const batcher = openBatcher(faulty, async () => undefined)
    const own = { ...parts, store: faulty, batcher }
    tally.add(`a store that ${kind}`, await asked(own, subject))
  }
}

type Posted = (this: Worker, question: unknown) => void

const evaluation = { verdict: 'allow', findings: [], obligations: [], route: [] }

/** What an evaluation's worker does in the place of an answer. */
const WORKER_FAULTS: Readonly<Record<string, Posted>> = {
  hangs: () => undefined,
  dies(this: Worker) {
    void this.terminate()
  },
  fails(this: Worker) {
    setImmediate(() => this.emit('error', new Error('broken')))
  },
  'answers with nothing': answering(undefined),
  'answers with an empty object': answering({}),
  'answers with a text': answering('allow'),
  'answers without a state': answering({ evaluation: { ...evaluation, state: undefined } }),
  'answers with no evaluation': answering({ evaluation: null }),
}

function answering(reply: unknown): Posted {
  return function (this: Worker) {
    setImmediate(() => this.emit('message', reply))
  }
}

/** Breaks the worker that evaluates a policy's Rego. */
export async function damageWorker(
  { bundle }: Subjects,
  subject: Subject,
  open: OpenEngine,
  tally: Tally,
): Promise<void> {
  const hasty = withDeadline(bundle, PATIENCE_MS)
  const parts = await open(hasty, subject)
  const { postMessage } = Worker.prototype
  for (const [kind, posted] of Object.entries(WORKER_FAULTS)) {
    try {
      Worker.prototype.postMessage = posted as typeof postMessage
      tally.add(`a worker that ${kind}`, await asked(parts, subject))
    } finally {
      Worker.prototype.postMessage = postMessage
    }
  }
}

function withDeadline(bundle: Bundle, evaluationMsMax: number): Bundle {
  const policy = { ...bundle.policy, evaluation_ms_max: evaluationMsMax }
  const files = new Map(bundle.files)
  files.set(BUNDLE_FILE.policy, utf8(canonicalize(policy as unknown as JsonValue)))
  return makeBundle(files, policy.project)
}

/** What an engine says of a subject; no answer at all is a refusal too. */
async function asked(parts: Parts, subject: Subject): Promise<Became> {
  const engine = engineOf(parts, async () => undefined)
  const late = new Promise<null>((resolve) => setTimeout(resolve, 10 * PATIENCE_MS, null))
  let outcome: Outcome | null
  try {
    const decided = engine.decide(documentOf(subject))
    outcome = await Promise.race([decided, late])
  } catch {
    return 'refused'
  }
  if (outcome === null) return 'refused'
  const strict = RANK[outcome.verdict] >= RANK[subject.intact.verdict]
  const runs = outcome.payload !== undefined && subject.intact.verdict !== 'redact'
  if (strict && !runs) return 'stood'
  return { fall: `"${subject.name}": ${subject.intact.verdict} became ${outcome.verdict}` }
}

function documentOf({ action }: Subject): Action {
  return actionDocument(action) as unknown as Action
}

/** Opens an engine for the agent of a subject, at the subject's time. */
export function openIn(folderOf: () => string): OpenEngine {
  return (bundle, { action, now }) =>
    openParts({
      bundle,
      store: folderOf(),
      credential: { project: action.project, agents: [action.agent], role: action.role },
      clock: () => now,
    })
}
