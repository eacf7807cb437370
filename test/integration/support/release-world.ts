import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { KEYS } from '../../fakes/review-case.ts'
import type { ActionRun, ActionWorld } from './act-world.ts'
import { openActionWorld, ROOT, runBundle } from './act-world.ts'

/** The release of `examples/retail-agent` that is to ship. */
export const RELEASE = 'retail-tc-1.1.0'
export const MANIFEST = `releases/${RELEASE}.yaml`

type Files = Readonly<Record<string, string>>

const EXAMPLE = join(ROOT, 'examples/retail-agent')

/** The example, with evidence of this hour, and people who have accounts and keys of the tests. */
function exampleFiles(): Files {
  const at = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')
  const paths = readdirSync(EXAMPLE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size < 100_000)
  return Object.fromEntries(
    paths.map((path) => {
      const name = relative(EXAMPLE, path)
      const text = readFileSync(path, 'utf8')
      return [
        name,
        name.startsWith('evidence/') ? text.replaceAll('2026-11-20T09:00:00Z', at) : text,
      ]
    }),
  )
}

/** The action that stands for shipping is one of the agent's, and is held. */
const SHIPPING = `apiVersion: countersign/v1
kind: Tools
service: release
tools:
  ship: { effect: irreversible, priority: high, about: Rolls a release of the agent out. }
`

function roster(numberOf: (login: string) => number): string {
  const person = (id: string, as: 'ana' | 'bo' | 'cy', roles: string): string =>
    `  - { id: ${id}, name: ${id}, roles: [${roles}], keys: [{ fingerprint: "${KEYS[as].fingerprint}" }], accounts: { github: "${numberOf(as)}" } }\n`
  const people = [
    person('ana', 'ana', 'support-lead'),
    person('bo', 'bo', 'support-lead, fraud'),
    person('cleo', 'cy', 'fraud'),
  ]
  return `apiVersion: countersign/v1\nkind: Roster\npeople:\n${people.join('')}`
}

/** @param more - files beside the example's, or in their place; of `countersign.yaml`, lines to add */
export function openReleaseWorld(more: Files = {}): Promise<ActionWorld> {
  return openActionWorld((numberOf) => {
    const files = exampleFiles()
    const agents = 'policies/agents/retail.yaml'
    const scope = '  - tools: [retail.calculate,'
    return {
      ...files,
      ...more,
      'countersign.yaml': `${files['countersign.yaml']}${more['countersign.yaml'] ?? ''}`,
      'policies/roster.yaml': roster(numberOf),
      'policies/tools/release.yaml': SHIPPING,
      [agents]: (files[agents] ?? '').replace(
        scope,
        `  - tools: [release.ship]\n    about: To be shipped.\n${scope}`,
      ),
    }
  })
}

/** Runs the gate on what is checked out, as a job after a merge does. */
export function runRelease(
  world: ActionWorld,
  about: {
    readonly workspace: string
    readonly inputs?: Files
    readonly event?: string
    readonly payload?: object
    readonly environment?: Files
  },
): Promise<ActionRun> {
  const { workspace, event = 'push', payload = {}, inputs, environment } = about
  return runBundle(world, {
    ...{ workspace, event, payload },
    inputs: { mode: 'release', release: RELEASE, artefacts: 'agent/agent.txt', ...inputs },
    environment: { GITHUB_SHA: world.base, GITHUB_REF: 'refs/heads/main', ...environment },
  })
}
