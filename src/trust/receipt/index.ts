export { encodeLeafHash } from './merkle.ts'
export { decisionReceipt, executionReceipt, genesisReceipt } from './statement.ts'
