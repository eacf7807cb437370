export { encodeLeafHash } from './merkle.ts'
export { decisionReceipt, genesisReceipt } from './statement.ts'
