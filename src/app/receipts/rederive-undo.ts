import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonChange } from '../../base/json-changes.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Evaluation, JudgedAction } from '../../model/nouns.ts'
import type { Judge } from '../engine/judge.ts'
import { actionDocument, type Inputs, type Predicate } from '../engine/record.ts'
import { compensation, declaredUndo, takesResult } from '../engine/rollback-plan.ts'
import { openRan, openResult, type Permit, permitNamed } from '../engine/rollback-ran.ts'
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
    if (!(error instanceof PolicyError) || !error.code.startsWith('UNDO_')) throw error
    if (error.code === 'UNDO_INPUTS_ERASED') return ERASED
    // The engine would have refused it then.
    return [{ pointer: '/undoes', before: { ...undoes } }]
  }
}

const ERASED: Cannot = {
  reason: 'inputs-erased',
  message: 'the inputs of the call that it takes back were erased',
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
  const declared = declaredUndo(judge.bundle.policy, ran, inputs.attempt ?? inputs.now)
  const found =
    kept.result === undefined
      ? null
      : await openResult(scene.store, parts, permit, { decision: kept.result, before: index })
  const result = takesResult(declared) ? found?.result : undefined
  const { role, context } = inputs.action
  const reason = reasonIn(context)
  const made = compensation({ undo: declared, ran, result, undoes, role, reason })
  // What people changed before it was asked anew is signed by them.
  const payload = inputs.attempt === undefined ? made.payload : inputs.action.payload
  return [
    ...(routes ? [] : [{ pointer: '/inputs/beside/undo/routes' }]),
    ...(textOf({ ...made, payload }) === textOf(inputs.action)
      ? []
      : [{ pointer: '/inputs/action' }]),
  ]
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
