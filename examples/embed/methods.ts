/** Every method of the engine by itself. docs/how-to/embed.md shows parts of this file. */
import type { Action, Answer, Engine, JsonObject } from 'countersign'

declare function pay(payload: JsonObject): Promise<void>
declare function remember(resume: string): Promise<void>
declare function tellModel(text: string): void

export async function judge(engine: Engine, action: Action): Promise<void> {
  // #region decide
  const outcome = await engine.decide(action)
  if (outcome.payload !== undefined) await pay(outcome.payload as JsonObject)
  // #endregion
}

export async function waitForPeople(engine: Engine, action: Action): Promise<void> {
  // #region ask
  const answer = await engine.ask(action, {
    idempotencyKey: 'order-5500123/refund',
    timeoutMs: 30_000,
  })
  if (answer.payload !== undefined) await pay(answer.payload)
  else tellModel(`not done: ${answer.status}, ${answer.reason}`)
  // #endregion
}

export async function comeBackLater(engine: Engine, action: Action): Promise<void> {
  // #region defer
  const answer = await engine.defer(action, { idempotencyKey: 'order-5500123/refund' })
  if (answer.resume !== undefined) await remember(answer.resume)
  // #endregion
}

export async function goOnWaiting(engine: Engine, resume: string): Promise<Answer> {
  // #region resume
  let answer = await engine.wait(resume)
  while (answer.resume !== undefined) answer = await engine.wait(answer.resume)
  return answer
  // #endregion
}

export async function look(engine: Engine, request: string): Promise<Answer> {
  // #region status
  const now = await engine.status(request)
  if (now.status !== 'PENDING') return now
  return engine.wait(request, { timeoutMs: 10_000 })
  // #endregion
}
