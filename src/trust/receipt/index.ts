export type { Checkpoint, NoteSignature, SignedCheckpoint, VerifierKey } from './checkpoint.ts'
export {
  checkpointText,
  formatVerifierKey,
  parseCheckpoint,
  parseVerifierKey,
  signCheckpoint,
} from './checkpoint.ts'
export { openEdge } from './edge.ts'
export type { MerkleTree, NodeReader } from './merkle.ts'
export {
  consistencyProof,
  createTree,
  encodeLeafHash,
  hashLeaf,
  hashNode,
  inclusionProof,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
export type { LogProof } from './proof.ts'
export { checkProof, formatProof, parseProof } from './proof.ts'
export type { DecisionFields, GenesisFields } from './statement.ts'
export { decisionReceipt, genesisReceipt, isGenesis, parseReceipt } from './statement.ts'
export type { TileReader, TileRef } from './tiles.ts'
export {
  decodeBundle,
  encodeBundle,
  growth,
  parseTilePath,
  tileNodes,
  tilePath,
  tilesOf,
} from './tiles.ts'
