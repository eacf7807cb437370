import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonChange } from '../../base/json-changes.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { CompiledUndo } from '../../model/generated/types.ts'
import type { Evaluation, JudgedAction } from '../../model/nouns.ts'
import type { Judge } from '../engine/judge.ts'
import { actionDocument, type Inputs, type Predicate } from '../engine/record.ts'
import { compensation, declaredUndo, takesResult } from '../engine/rollback-plan.ts'
import { findResult, openRan, type Permit, permitNamed } from '../engine/rollback-ran.ts'
import { asUndo, type Undo } from '../engine/undo.ts'
import type { Cannot, Scene } from './rederive-verdict.ts'

/** What a verdict was made of as a rollback; null where it was none, or nothing is sealed of it. */
export function undoAgain(given: Predicate, { beside }: Inputs): Undo | null {
  const kept = beside?.undo
  return given.undoes === undefined || kept === undefined ? null : { undoes: given.undoes, kept }
}

/** The evaluation of an action, as that of a rollback where it is one. */
export function evaluatedAs(evaluation: Evaluation, undo: Undo | null, judge: Judge): Evaluation {
  return undo === null ? evaluation : asUndo(evaluation, undo, judge.bundle.policy)
}

/** What of a rollback does not follow from the receipt that it names: the call itself, its routes, its result. */
export async function undoChanges(
  scene: Scene,
  { index, predicate }: { readonly index: number; readonly predicate: Predicate },
  inputs: Inputs,
  judge: Judge,
): Promise<readonly JsonChange[] | Cannot> {
  const { undoes } = predicate
  const kept = inputs.beside?.undo
  if (undoes === undefined && kept === undefined) return []
  if (undoes === undefined || kept === undefined) return [{ pointer: '/undoes' }]
  const permit = await permitNamed(scene.store, undoes)
  if (permit === null || undoes.index >= index) {
    return [{ pointer: '/undoes', before: { ...undoes } }]
  }
  try {
    return await comparedWith(scene, { permit, undo: { undoes, kept }, index }, inputs, judge)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (error.code === 'STORE_KEY_MISMATCH') return UNREADABLE
    if (error.code === 'UNDO_INPUTS_ERASED') return erasedOf(scene, permit, kept.result)
    if (!error.code.startsWith('UNDO_')) throw error
    // The engine would have refused it then.
    return [{ pointer: '/undoes', before: { ...undoes } }]
  }
}

/** What the receipt of the erasure says is judged at the receipt of the call itself. */
async function erasedOf(
  { store }: Scene,
  { stored }: Permit,
  result: string | undefined,
): Promise<Cannot> {
  const seen = result === undefined ? null : await store.decision(result)
  for (const { index } of [stored, ...(seen === null ? [] : [seen])]) {
    const erasure = await store.erasedBy(index)
    if (erasure === null) continue
    const message = 'the inputs of the call that it takes back, or of its result, were erased'
    return { reason: 'inputs-erased', message, erasure }
  }
  return UNREADABLE
}

const UNREADABLE: Cannot = {
  reason: 'inputs-unreadable',
  message:
    'the inputs of the call that it takes back, or of its result, are not here or do not open, and no receipt says that they were erased',
}

type Compared = { readonly permit: Permit; readonly undo: Undo; readonly index: number }

async function comparedWith(
  scene: Scene,
  { permit, undo: { undoes, kept }, index }: Compared,
  inputs: Inputs,
  judge: Judge,
): Promise<JsonChange[]> {
  const parts = { judge, evidenceKey: scene.evidenceKey }
  const ran = await openRan(scene.store, parts, permit)
  const routes = canonicalize([...ran.routes].sort()) === canonicalize([...kept.routes])
  const { action, attempt } = inputs
  // Asked anew, it is what was asked before, by the undo of that policy: the receipt of then says whether it was.
  const isAnew = attempt !== undefined
  const undo = isAnew ? undoOf(action) : declaredUndo(judge.bundle.policy, ran, inputs.now)
  // The engine takes the first: any later one may be of the agent's choice.
  const found = takesResult(undo) ? await findResult(scene.store, parts, permit, index) : null
  const { role, context } = action
  const reason = reasonIn(context)
  const made = compensation({ undo, ran, result: found?.result, undoes, role, reason })
  const { payload } = isAnew ? action : made
  return [
    ...(routes ? [] : [{ pointer: '/inputs/beside/undo/routes' }]),
    ...(isAnew || found?.decision === kept.result
      ? []
      : [{ pointer: '/inputs/beside/undo/result' }]),
    ...(textOf({ ...made, payload }) === textOf(action) ? [] : [{ pointer: '/inputs/action' }]),
  ]
}

function undoOf({ service, action }: JudgedAction): CompiledUndo {
  return { service, action, payload: [], within: null }
}

function reasonIn(context: JudgedAction['context']): string | null {
  const rollback = Object.hasOwn(context, 'rollback') ? context['rollback'] : null
  if (typeof rollback !== 'object' || rollback === null || Array.isArray(rollback)) return null
  const { reason } = rollback as Readonly<Record<string, JsonValue>>
  return typeof reason === 'string' ? reason : null
}

function textOf(action: JudgedAction): string {
  return canonicalize(actionDocument(action))
}
