/** The `typ` of a decision proof's header: a grant, or any other token, is none. */
export const DECISION_PROOF_TYPE = 'countersign-decision-proof+jwt'
