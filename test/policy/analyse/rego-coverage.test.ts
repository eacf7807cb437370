import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { createCoverage } from '../../../src/policy/analyse/rego-coverage.ts'
import { compiler } from '../../decide/rego/engine/support.ts'
import { planOfQuery, watch } from './watched.ts'

afterAll(() => compiler.close())

const FILES = {
  't.rego': `package t

import data.lib

default p := false

p if {
	input.a == 1
	lib.large(input.n)
}

p if {
	some x in input.xs
	x == limits.most
}

limits := {"most": 3}

unreachable if input.z
`,
  'lib.rego': `package lib

large(n) if {
	n > 10
	n < 100
}
`,
}

type Case = {
  readonly name: string
  readonly inputs: readonly JsonObject[]
  readonly want: Readonly<Record<string, readonly [covered: number[], missed: number[]]>>
  readonly percent: number
}

const CASES: readonly Case[] = [
  {
    name: 'nothing was evaluated',
    inputs: [],
    want: { 'lib.rego': [[], [3, 4, 5]], 't.rego': [[], [5, 7, 8, 9, 12, 13, 14, 17]] },
    percent: 0,
  },
  {
    name: 'lines that failed count, those behind them do not',
    inputs: [{ a: 2, xs: [] }],
    want: {
      'lib.rego': [[], [3, 4, 5]],
      't.rego': [
        [5, 7, 8, 12, 13],
        [9, 14, 17],
      ],
    },
    percent: 45.5,
  },
  {
    name: 'several evaluations add up, and a constant counts once it is asked for',
    inputs: [{ a: 1, n: 5 }, { a: 1, n: 50 }, { xs: [1] }],
    want: { 'lib.rego': [[3, 4, 5], []], 't.rego': [[5, 7, 8, 9, 12, 13, 14, 17], []] },
    percent: 100,
  },
]

test.for(CASES)('$name -> $percent%', async ({ inputs, want, percent }) => {
  const plan = await planOfQuery(FILES, 'data.t.p; input')
  const coverage = createCoverage(plan, new Set(Object.keys(FILES)))
  for (const input of inputs) watch(plan, coverage.observer, { input })
  const files = Object.fromEntries(
    Object.entries(want).map(([file, [covered, missed]]) => [file, { covered, missed }]),
  )
  expect(coverage.report()).toEqual({ percent, files })
})

test('files that do not count are left out: of nothing everything is covered', async () => {
  const plan = await planOfQuery(FILES, 'data.t.p')
  const { report } = createCoverage(plan, new Set())
  expect(report()).toEqual({ percent: 100, files: {} })
})
