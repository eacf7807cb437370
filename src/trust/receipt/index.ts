export { encodeLeafHash } from './merkle.ts'
export {
  decisionReceipt,
  erasureReceipt,
  executionReceipt,
  genesisReceipt,
} from './statement.ts'
