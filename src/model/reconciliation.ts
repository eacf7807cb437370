/** What comparing a tool's own log of executions with the receipts gave. */
export type Reconciliation = {
  /** Lines of the tool's log. */
  readonly executions: number
  /** Redeemed grants that were compared. */
  readonly redeemed: number
  /** Executions that have a redeemed grant, each its own. */
  readonly matched: number
  /** Executions without one, in the order of the file. */
  readonly unredeemed: readonly UnredeemedExecution[]
  /** Redeemed grants without an execution, in log order. */
  readonly unexecuted: readonly UnexecutedGrant[]
}

export type UnredeemedExecution = {
  /** Line in the file, from 1. */
  readonly line: number
  readonly at: string
  /** The tool, as far as the line names it. */
  readonly tool: string | null
  /** The grant's id or root, as the line names it. */
  readonly grant: string | null
  /**
   * `unredeemed`: no redeemed grant is this one. `repeated`: an earlier line has it. `other-tool`: it was for another
   * tool. `forged`: this engine did not sign it. `none`: the line names no grant.
   */
  readonly why: 'unredeemed' | 'repeated' | 'other-tool' | 'forged' | 'none'
}

export type UnexecutedGrant = {
  /** Log index of the redemption. */
  readonly index: number
  readonly grant: string
  readonly redeemed_at: string
  readonly agent: string
  readonly tool: string
}
