export type { Bundle } from './bundle.ts'
export { BUNDLE_FILE, baselinePath, makeBundle, readBundle, writeBundle } from './bundle.ts'
export { isBundlePath } from './tar.ts'
