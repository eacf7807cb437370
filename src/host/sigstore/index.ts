export { deviceToken } from './device-flow.ts'
export { tokenFrom } from './identity-token.ts'
export { openSigstoreSigner } from './signer.ts'
export { fetchTrustedRoot } from './trusted-root.ts'
