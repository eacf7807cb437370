import { diffJson } from '../../../base/diff.ts'
import { PolicyError } from '../../../base/errors.ts'
import { parseJson } from '../../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../../base/json-value.ts'
import type { InboxView, RequestPage } from '../../../report/inbox-view.ts'
import type { Step } from './state.ts'

/** Opens the payload in the editor: as it was left there, or as the agent asks for it. */
export function edit(view: InboxView, page: RequestPage, text?: string): Step {
  const clear = page.opened?.clear ?? null
  if (clear === null)
    return { view: complain(view, 'only the clear payload can be edited'), effects: [] }
  const draft = text ?? view.drafts.get(page.id) ?? `${JSON.stringify(clear.payload, null, 2)}\n`
  return {
    view: { ...view, page, said: null, busy: 'editing' },
    effects: [{ type: 'edit', id: page.id, text: draft }],
  }
}

/** What came back from the editor: kept whatever it is, then read. */
export function afterEdit(view: InboxView, id: string, text: string): Step {
  const kept = { ...view, busy: null, drafts: new Map(view.drafts).set(id, text) }
  const { page } = view
  if (page.name !== 'request' || page.id !== id) return { view: kept, effects: [] }
  const read = readPayload(text)
  if ('error' in read) {
    return {
      view: { ...kept, page: { name: 'invalid', text, error: read.error, back: page } },
      effects: [],
    }
  }
  const before = page.opened?.clear?.payload ?? {}
  if (diffJson(before, read.payload).length === 0) {
    const drafts = new Map(view.drafts)
    drafts.delete(id)
    return { view: { ...complain(kept, 'nothing was changed'), drafts }, effects: [] }
  }
  return {
    view: { ...kept, busy: 'checking the payload' },
    effects: [{ type: 'check', id, payload: read.payload }],
  }
}

/** Shows what a payload that could run would change, and asks. */
export function confirmPatch(
  view: InboxView,
  checked: { readonly id: string; readonly payload: JsonObject; readonly problem: string | null },
): Step {
  const { page, comments, drafts } = view
  const idle = { ...view, busy: null }
  if (page.name !== 'request' || page.id !== checked.id) return { view: idle, effects: [] }
  const { id, payload, problem } = checked
  if (problem !== null) {
    const text = drafts.get(id) ?? `${JSON.stringify(payload, null, 2)}\n`
    return {
      view: { ...idle, page: { name: 'invalid', text, error: problem, back: page } },
      effects: [],
    }
  }
  const comment = comments.get(id)
  const review = {
    verdict: 'patch' as const,
    payload,
    ...(comment === undefined ? {} : { comment }),
  }
  const changes = diffJson(page.opened?.clear?.payload ?? {}, payload)
  return {
    view: { ...idle, page: { name: 'confirm', review, changes, top: 0, back: page } },
    effects: [],
  }
}

/** Forgets what was written for a request that was reviewed. */
export function dropRequest(view: InboxView, id: string): InboxView {
  const [comments, drafts] = [new Map(view.comments), new Map(view.drafts)]
  comments.delete(id)
  drafts.delete(id)
  return { ...view, comments, drafts }
}

/** Says what is wrong at the bottom of the screen. */
export function complain(view: InboxView, text: string): InboxView {
  return { ...view, said: { kind: 'error', text } }
}

function readPayload(text: string): { readonly payload: JsonObject } | { readonly error: string } {
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return { error: error.message }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { error: 'expected an object: the whole payload as it should run' }
  }
  return { payload: value as JsonObject }
}
