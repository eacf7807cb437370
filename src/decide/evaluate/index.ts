export { evaluate, stateKeys } from './evaluate.ts'
export { type Evaluator, loadPolicy } from './load-policy.ts'
export { applyObligations } from './obligations.ts'
export { type LoadedPolicy, privateFields, raisedPriority } from './policy.ts'
