// This file runs before all others and must run on old Nodes too, so that they get an answer: nothing modern in here.

/** Ends the process with a message unless Node is of `engines` in package.json: ^22.22.2 || ^24.15 || >=26. */
function assertNode(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.replace(/^v/, '').split('.').map(Number)
  if (major === 22 && (minor > 22 || (minor === 22 && patch >= 2))) return
  if ((major === 24 && minor >= 15) || major >= 26) return
  const message =
    `NODE_UNSUPPORTED: Node ${version} is too old; the gate runs on Node 22.22.2 or newer of 22, 24.15 or newer of 24, ` +
    'and 26 or newer. Update the runner, which brings its own Node; under act it is the one on PATH.'
  process.stdout.write(`::error title=NODE_UNSUPPORTED::${message}\n`)
  process.exit(3)
}

assertNode(process.version)

export {}
