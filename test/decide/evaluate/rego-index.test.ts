import { expect, test } from 'vitest'
import { compileSelector } from '../../../src/decide/evaluate/selector.ts'
import { indexSelectors } from '../../../src/decide/evaluate/selector-index.ts'
import type { CompiledPackage, Selector } from '../../../src/model/generated/types.ts'
import { load, program, regoPackage, run, tool } from './fixtures.ts'

// METADATA's `on` indexes packages by service and action: an action pays for those that concern it, and for no other.

const COUNT = 1_000

/** Package n judges the one action n of service n mod 100; three others judge more than one. */
function packages(): CompiledPackage[] {
  const one = (name: string, on: Selector): CompiledPackage =>
    regoPackage({
      package: `countersign.${name}`,
      on,
      rules: [
        {
          ...{ name: 'deny', entrypoint: `countersign/${name}/deny` },
          ...{ file: `${name}.rego`, line: 1, column: 1 },
        },
      ],
    })
  const exact = Array.from({ length: COUNT }, (_, n) =>
    one(`p${n}`, { service: `s${n % 100}`, action: `a${n}` }),
  )
  return [
    ...exact,
    one('service', { service: 's7' }),
    one('globs', { service: 's7', action: 'a1*' }),
    one('all', {}),
  ]
}

function counting() {
  const rego = packages()
  const asked: string[] = []
  const one = program(
    rego.flatMap(({ rules }) => rules.map(({ entrypoint }) => entrypoint)),
    (entrypoint) => {
      asked.push(entrypoint.split('/')[1] ?? '')
      return { value: [] }
    },
  )
  const tools = [tool({ service: 's7', action: 'a107' })]
  return { loaded: load({ rego, tools }, one), asked }
}

test.for<{ service: string; action: string; want: readonly string[] }>([
  { service: 's7', action: 'a107', want: ['p107', 'service', 'globs', 'all'] },
  { service: 's7', action: 'a7', want: ['p7', 'service', 'all'] },
  { service: 's8', action: 'a108', want: ['p108', 'all'] },
  { service: 's8', action: 'a107', want: ['all'] },
  { service: 'other', action: 'a107', want: ['all'] },
])('of 1,003 packages $service.$action asks $want', ({ service, action, want }) => {
  const { loaded, asked } = counting()
  run(loaded).judge({ service, action })
  expect(asked.sort()).toEqual([...want].sort())
})

test('selectors about other tools are not even looked at', () => {
  const place = { id: 'x', file: 'x.rego', line: 1, column: 1 }
  const looked: string[] = []
  const index = indexSelectors(packages(), ({ package: name, on }) => {
    const selector = compileSelector(place, on)
    const matches: typeof selector.matches = (target) => {
      looked.push(name)
      return selector.matches(target)
    }
    return { ...selector, matches }
  })
  const names = { service: 's8', action: 'a108', agent: 'a', role: 'agent' }
  index.select({ ...names, effect: null, priority: 'low', phase: 'call' })
  expect(looked.sort()).toEqual(['countersign.all', 'countersign.p108'])
})
