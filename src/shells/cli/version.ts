import { createRequire } from 'node:module'

/** This package's version. */
export function version(): string {
  // Three folders up from src/shells/cli, and from dist/shells/cli.
  const manifest = createRequire(import.meta.url)('../../../package.json') as { version: string }
  return manifest.version
}
