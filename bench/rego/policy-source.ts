import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../../src/base/json-value.ts'

/** A Rego policy with its documents and the inputs it is measured on. */
export type RegoPolicy = {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly data: JsonObject
  /** Slash path. */
  readonly entrypoint: string
  readonly inputs: readonly JsonObject[]
}

/** The policy in `bench/rego/policy`: eight modules of a guard over an agent's calls, inputs of some 580 bytes. */
export function realisticPolicy(): RegoPolicy {
  const folder = join(import.meta.dirname, 'policy')
  const names = readdirSync(folder).sort()
  const lines = readFileSync(join(import.meta.dirname, 'inputs.jsonl'), 'utf8')
    .trim()
    .split('\n')
  return {
    name: 'guard, 8 modules',
    files: Object.fromEntries(
      names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    ),
    data: JSON.parse(readFileSync(join(import.meta.dirname, 'data.json'), 'utf8')) as JsonObject,
    entrypoint: 'guard/decision',
    inputs: lines.map((line) => JSON.parse(line) as JsonObject),
  }
}

/** Rules of which each speaks of one tool alone, and inputs that name tools from the first to the last. */
export function exclusivePolicy(rules: number): RegoPolicy {
  const bodies = Array.from({ length: rules }, (_, rule) => {
    const tool = `input.action.service == "service-${rule >> 3}"\n\tinput.action.action == "tool-${rule & 7}"`
    return `deny contains {"msg": "rule ${rule}"} if {\n\t${tool}\n\tinput.action.payload.amount > ${rule}\n}\n`
  })
  const inputs = Array.from({ length: 16 }, (_, at) => {
    const rule = Math.floor((at * (rules - 1)) / 15)
    const payload = { amount: at % 2 === 0 ? rules + 1 : 0 }
    return { action: { service: `service-${rule >> 3}`, action: `tool-${rule & 7}`, payload } }
  })
  return {
    name: `${rules} exclusive rules`,
    files: { 'exclusive.rego': `package exclusive\n\n${bodies.join('\n')}` },
    data: {},
    entrypoint: 'exclusive/deny',
    inputs,
  }
}
