export type { Bundle } from './bundle.ts'
export { BUNDLE_FILE, BUNDLE_FORMAT, makeBundle, readBundle, writeBundle } from './bundle.ts'
export { isBundlePath } from './tar.ts'
