import { expect, test } from 'vitest'
import type { Said } from '../../../src/decide/evaluate/fold.ts'
import { fold } from '../../../src/decide/evaluate/fold.ts'
import type { Finding } from '../../../src/model/generated/types.ts'

function said(changes: Partial<Finding> = {}, redact: readonly string[] = []): Said {
  const place = { file: 'a.yaml', line: 1, column: 1 }
  const finding: Finding = {
    rule: 'a/b',
    kind: 'every',
    verdict: 'hold',
    mode: 'enforce',
    message: 'm',
    evidence: {},
    ...place,
    ...changes,
  }
  return {
    finding,
    obligations: redact.length === 0 ? [] : [{ kind: 'redact', paths: [...redact] }],
  }
}

test.for<{ name: string; said: Said[]; verdict: string; route: string[] }>([
  { name: 'nothing', said: [], verdict: 'allow', route: [] },
  { name: 'a warning', said: [said({ verdict: 'allow' })], verdict: 'allow', route: [] },
  { name: 'redact', said: [said({ verdict: 'redact' })], verdict: 'redact', route: [] },
  { name: 'hold without a route', said: [said()], verdict: 'hold', route: ['default'] },
  {
    name: 'two holds',
    said: [said({ route: 'b' }), said({ route: 'a' }), said({ route: 'b' })],
    verdict: 'hold',
    route: ['a', 'b'],
  },
  {
    name: 'hold and redact',
    said: [said({ route: 'b' }), said({ verdict: 'redact' })],
    verdict: 'hold',
    route: ['b'],
  },
  { name: 'hold and deny', said: [said(), said({ verdict: 'deny' })], verdict: 'deny', route: [] },
  {
    name: 'shadow deny',
    said: [said({ verdict: 'deny', mode: 'shadow' })],
    verdict: 'allow',
    route: [],
  },
  {
    name: 'hold and shadow hold elsewhere',
    said: [said({ route: 'b' }), said({ route: 'a', mode: 'shadow' })],
    verdict: 'hold',
    route: ['b'],
  },
])('$name -> $verdict $route', ({ said: all, verdict, route }) => {
  expect(fold(all)).toMatchObject({ verdict, route })
})

test('obligations: of all enforced findings, also when held, sorted, each once', () => {
  const all = [
    said({ rule: 'z/z', verdict: 'redact' }, ['payload.b', 'payload.a', 'payload.b']),
    said({ rule: 'a/a' }, ['payload.c']),
    said({ rule: 'a/a', message: 'again' }, ['payload.c']),
    said({ rule: 's/s', mode: 'shadow' }, ['payload.s']),
  ]
  expect(fold(all)).toMatchObject({
    verdict: 'hold',
    obligations: [
      { kind: 'redact', paths: ['payload.c'], rule: 'a/a' },
      { kind: 'redact', paths: ['payload.a', 'payload.b'], rule: 'z/z' },
    ],
  })
})

test('findings are sorted by rule, file, line, column, message', () => {
  const all = [
    said({ rule: 'b/b' }),
    said({ message: 'n' }),
    said({ column: 2 }),
    said({ line: 10 }),
    said({ line: 9 }),
    said({ file: 'Z.yaml' }),
    said(),
  ]
  const sorted = fold(all).findings.map(({ rule, file, line, column, message }) =>
    [rule, file, line, column, message].join(' '),
  )
  expect(sorted).toEqual([
    'a/b Z.yaml 1 1 m',
    'a/b a.yaml 1 1 m',
    'a/b a.yaml 1 1 n',
    'a/b a.yaml 1 2 m',
    'a/b a.yaml 9 1 m',
    'a/b a.yaml 10 1 m',
    'b/b a.yaml 1 1 m',
  ])
})

test('more findings than a receipt holds -> deny FINDINGS_TOO_MANY, the gravest kept', () => {
  const many = Array.from({ length: 300 }, (_, i) => said({ rule: `r/r${i}`, verdict: 'redact' }))
  const result = fold([...many, said({ rule: 'z/z', verdict: 'hold' })])
  expect(result.verdict).toBe('deny')
  expect(result.findings).toHaveLength(129)
  expect(result.findings.map((one) => one.rule)).toContain('z/z')
  expect(result.findings.filter((one) => one.code === 'FINDINGS_TOO_MANY')).toHaveLength(1)
})

test('however many shadow findings there are, the verdict stays', () => {
  const many = Array.from({ length: 300 }, (_, i) =>
    said({ rule: `r/r${i}`, verdict: 'deny', mode: 'shadow' }),
  )
  expect(fold(many).verdict).toBe('allow')
  expect(fold(many).findings).toHaveLength(129)
  expect(fold([...many, said()]).verdict).toBe('hold')
})
