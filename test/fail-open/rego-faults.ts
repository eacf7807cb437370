import { fromUtf8 } from '../../src/base/digest.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json-value.ts'
import type { Evaluator, LoadedPolicy } from '../../src/decide/evaluate/index.ts'
import { loadPolicy } from '../../src/decide/evaluate/index.ts'
import { preparePolicy } from '../../src/decide/evaluate/policy.ts'
import type { Builtin } from '../../src/decide/rego/builtins/builtin.ts'
import { BuiltinError } from '../../src/decide/rego/builtins/builtin.ts'
import { BUILTINS } from '../../src/decide/rego/builtins/index.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import { loadOpaWasm, MEMORY_PAGES_MAX } from '../../src/decide/rego/wasm/opa-wasm.ts'
import { BUNDLE_FILE } from '../../src/policy/bundle/index.ts'
import { becomes, weakerThan } from './data.ts'
import type { Subjects } from './subjects.ts'
import type { Tally } from './tally.ts'
import { exportedFunctions, withTrap } from './wasm-trap.ts'

/** The policies that hold Rego. */
export function withRego(all: readonly Subjects[]): readonly Subjects[] {
  return all.filter(({ bundle }) => bundle.policy.rego.length > 0)
}

/**
 * Puts a broken built-in in the place of each that a policy's Rego calls, for each evaluator. A built-in of OPA's own
 * within its WebAssembly cannot be broken from outside.
 */
export function damageBuiltins(all: readonly Subjects[], tally: Tally): void {
  const registry = BUILTINS as Map<string, Builtin>
  for (const subjects of withRego(all)) {
    for (const evaluator of ['generated', 'closures', 'wasm'] as const) {
      for (const name of builtinsOf(subjects, evaluator)) {
        const sound = registry.get(name)
        if (sound === undefined) throw new Error(`no built-in is named ${name}`)
        for (const [kind, broken] of Object.entries(FAULTS)) {
          try {
            registry.set(name, broken(sound))
            const loaded = loadOrNull(subjects, evaluator)
            const what = `${name} that ${kind}, in ${evaluator}`
            const became = loaded === null ? 'refused' : weakerThan(subjects, loaded, { what })
            tally.add(`${evaluator}: a built-in that ${kind}`, became)
          } finally {
            registry.set(name, sound)
          }
        }
      }
    }
  }
}

const FAULTS: Readonly<Record<string, (sound: Builtin) => Builtin>> = {
  'throws an error': () => () => {
    throw new Error('broken')
  },
  'throws a text': () => () => {
    throw 'broken'
  },
  refuses: () => () => {
    throw new BuiltinError('broken')
  },
  'gives nothing': () => () => undefined,
  'gives null': () => () => null,
  'gives another type':
    (sound) =>
    (call, ...operands) =>
      otherType(sound(call, ...operands)),
  'gives no value of Rego': () => () => new Date(0) as unknown as Value,
  'gives NaN': () => () => Number.NaN,
  'gives a promise':
    (sound) =>
    (call, ...operands) =>
      Promise.resolve(sound(call, ...operands)) as unknown as Value,
  'loops over steps': () => (call) => {
    for (;;) call.work(1_000)
  },
  'makes values without end': () => (call) => {
    for (;;) call.output(100_000)
  },
}

function otherType(value: Value | undefined): Value {
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? value.length : 'something else'
}

/** The built-ins of ours that an evaluator asks for while it loads a policy. */
function builtinsOf(subjects: Subjects, evaluator: Evaluator): readonly string[] {
  const registry = BUILTINS as Map<string, Builtin>
  const asked = new Set<string>()
  const get = registry.get.bind(registry)
  try {
    registry.get = (name) => {
      asked.add(name)
      return get(name)
    }
    loadPolicy(subjects.bundle, evaluator)
  } finally {
    // The method of the prototype shows again.
    Reflect.deleteProperty(registry, 'get')
  }
  return [...asked].filter((name) => registry.has(name)).sort()
}

function loadOrNull({ bundle }: Subjects, evaluator: Evaluator): LoadedPolicy | null {
  try {
    return loadPolicy(bundle, evaluator)
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

/** Gives each policy the plan, the module and the documents of another one, or none that can be used. */
export function damageModules(all: readonly Subjects[], tally: Tally): void {
  const rego = withRego(all)
  for (const subjects of rego) {
    for (const evaluator of ['plan', 'wasm'] as const) {
      const path = evaluator === 'plan' ? BUNDLE_FILE.plan : BUNDLE_FILE.wasm
      const put = (kind: string, bytes: Uint8Array): void => {
        const became = becomes(subjects, new Map([[path, bytes]]), { what: kind, evaluator })
        tally.add(`${evaluator}: ${kind}`, became)
      }
      for (const other of rego) {
        const bytes = other.bundle.files.get(path)
        if (other !== subjects && bytes !== undefined) put("another policy's module", bytes)
      }
      put('an empty module', new Uint8Array())
      put('half a module', half(subjects.bundle.files.get(path)))
      put('a module without anything', evaluator === 'plan' ? PLAN_EMPTY : WASM_EMPTY)
    }
    const wasm = subjects.bundle.files.get(BUNDLE_FILE.wasm) ?? new Uint8Array()
    for (const name of exportedFunctions(wasm)) {
      const changed = new Map([[BUNDLE_FILE.wasm, withTrap(wasm, name)]])
      const became = becomes(subjects, changed, { what: `a trap in ${name}`, evaluator: 'wasm' })
      tally.add('wasm: a module that traps', became)
    }
    for (const pages of pagesFrom(wasm))
      tally.add('wasm: little memory', cappedAt(subjects, wasm, pages))
  }
}

const PLAN_EMPTY = new TextEncoder().encode(
  '{"funcs":{"funcs":[]},"plans":{"plans":[]},"static":{}}',
)
const WASM_EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

function half(bytes: Uint8Array | undefined): Uint8Array {
  return (bytes ?? new Uint8Array()).subarray(0, Math.floor((bytes?.length ?? 0) / 2))
}

/** Too little memory, the least that a module may start with, and hardly more. */
function pagesFrom(wasm: Uint8Array): readonly number[] {
  const least = Math.ceil(wasm.length / 65_536)
  return [1, ...Array.from({ length: 16 }, (_, more) => least + more), MEMORY_PAGES_MAX]
}

function cappedAt(subjects: Subjects, wasm: Uint8Array, memoryPagesMax: number) {
  const { files, policy } = subjects.bundle
  const data = JSON.parse(fromUtf8(files.get(BUNDLE_FILE.data) ?? new Uint8Array())) as JsonObject
  try {
    const program = loadOpaWasm({ wasm, data }, { memoryPagesMax })
    return weakerThan(subjects, preparePolicy(policy, program), { what: `${memoryPagesMax} pages` })
  } catch (error) {
    if (error instanceof PolicyError) return 'refused'
    throw error
  }
}
