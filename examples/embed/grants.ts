/** Grants on both sides. docs/how-to/grants.md shows parts of this file. */
import type { Action, Engine, JsonObject, Jwks } from 'countersign'
import { openSqliteLedger, verifyGrant } from 'countersign'

declare function post(url: string, body: { grant: string; payload: JsonObject }): Promise<void>
declare function run(payload: JsonObject): Promise<JsonObject>

export async function ask(engine: Engine, action: Action): Promise<void> {
  // #region grant-agent
  const answer = await engine.ask(action)
  if (answer.payload !== undefined && answer.grant !== undefined) {
    await post('https://tools.example.com/refund', {
      grant: answer.grant,
      payload: answer.payload,
    })
  }
  // #endregion
}

export async function take(jwks: Jwks, grant: string, payload: JsonObject): Promise<JsonObject> {
  // #region grant-tool
  const ledger = openSqliteLedger('used-grants.sqlite')

  verifyGrant(grant, {
    jwks,
    audience: 'billing',
    tool: { service: 'billing', action: 'refund_payment' },
    payload,
    ledger,
    now: Date.now(),
  })
  return run(payload)
  // #endregion
}

export async function execute(engine: Engine, grant: string, payload: JsonObject): Promise<void> {
  // #region grant-redeem
  await engine.redeem(grant, { payload })
  const result = await run(payload)
  await engine.report(grant, { result, cost: { 'payload.amount': '24.50' } })
  // #endregion
}
