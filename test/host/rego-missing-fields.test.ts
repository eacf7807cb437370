import { afterAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/base/json-value.ts'
import { BUILTIN_NAMES } from '../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import { LIBRARY_FILE, LIBRARY_SOURCE } from '../../src/policy/compile/library.ts'

// `not f(input.x)` is undefined, not true, without input.x: a deny that relies on it lets the action pass.
const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
afterAll(() => compiler.close())

const FILE = 'policies/x.rego'
const HEAD = `package countersign.x

import data.countersign.lib

import input.action.payload as body

hosts := {"a.example.com", "b.example.com"}

listed(host) if host in hosts

imported := [lib, body]

`
const HEAD_LINES = HEAD.split('\n').length - 1

function filesOf(rules: string) {
  return { [FILE]: HEAD + rules, [LIBRARY_FILE]: LIBRARY_SOURCE }
}

/** How many denials OPA's own evaluator finds. */
async function denials(rules: string, payload: JsonObject): Promise<unknown> {
  const answer = await compiler.oracle(filesOf(rules), {
    query: 'count(data.countersign.x.deny)',
    input: { action: { payload, context: {}, principal: null }, state: {} },
    strict: true,
  })
  if (!('results' in answer)) throw new Error(JSON.stringify(answer))
  return answer.results[0]?.value
}

async function warnings(rules: string): Promise<string[]> {
  const { diagnostics } = await compiler.check(filesOf(rules))
  return diagnostics.map(({ severity, code, file, line, column, message, hint }) => {
    expect({ severity, code, file }).toEqual({
      severity: 'warning',
      code: 'REGO_FIELD_MAY_BE_MISSING',
      file: FILE,
    })
    expect(hint).toBeTruthy()
    return `${line - HEAD_LINES}:${column} ${/without (\S+)/.exec(message)?.[1]}`
  })
}

const HOST = 'input.action.payload.host'
const POSITIVE = `deny contains 1 if not fine\n\nfine if ${HOST} in hosts`

describe('a field may be missing', () => {
  test.for([
    [
      'built-in',
      `not startswith(${HOST}, "a.")`,
      `not lib.starts_with_any(["action", "payload", "host"], ["a."])`,
    ],
    ['membership', `not ${HOST} in hosts`, 'not lib.in_list(["action", "payload", "host"], hosts)'],
    ['function', `not listed(${HOST})`, 'not lib.in_list(["action", "payload", "host"], hosts)'],
    [
      'imported field',
      'not listed(body.host)',
      'not lib.in_list(["action", "payload", "host"], hosts)',
    ],
    ['comparison', `not ${HOST} < "c"`, 'not lib.is_filled(["action", "payload", "host"])'],
    [
      'pattern',
      `not regex.match("^a[.]", ${HOST})`,
      `not lib.starts_with_any(["action", "payload", "host"], ["a."])`,
    ],
    [
      'call in an equality',
      `not lower(${HOST}) == "a.example.com"`,
      `not ${HOST} == "a.example.com"`,
    ],
    ['index', `not hosts[${HOST}]`, 'not lib.in_list(["action", "payload", "host"], hosts)'],
    [
      'negated inequality',
      `not ${HOST} != "evil"`,
      `not lib.is_filled(["action", "payload", "host"])`,
    ],
    ['inequality', `${HOST} != "a.example.com"`, `not ${HOST} == "a.example.com"`],
    ['inequality with a default', `"a" != ${HOST}`, 'object.get(body, "host", "") != "a"'],
  ] as const)('%s -> warned form skips, recommended form denies', async ([, warned, wanted]) => {
    const [bad, good] = [`deny contains 1 if ${warned}`, `deny contains 1 if ${wanted}`]
    expect(await warnings(bad)).toEqual([`1:20 ${HOST}`])
    expect(await denials(bad, {})).toBe(0)
    expect(await warnings(good)).toEqual([])
    expect(await denials(good, {})).toBe(1)
  })

  test.for([
    {
      name: 'a variable',
      bad: `deny contains 1 if {\n\thost := ${HOST}\n\tnot host in hosts\n}`,
      warned: [`3:2 ${HOST}`],
      good: POSITIVE,
    },
    {
      name: 'a variable of a call',
      bad: `deny contains 1 if {\n\thost := lower(${HOST})\n\tnot host in hosts\n}`,
      warned: [`3:2 ${HOST}`],
      good: POSITIVE,
    },
    {
      name: 'a helper that negates',
      bad: `deny contains 1 if unlisted\n\nunlisted if not ${HOST} in hosts`,
      warned: [`3:13 ${HOST}`],
      good: POSITIVE,
    },
    {
      name: 'a helper behind two negations',
      bad: `deny contains 1 if not fine\n\nfine if not bad\n\nbad if not ${HOST} in hosts`,
      warned: [`5:8 ${HOST}`],
      good: POSITIVE,
    },
    {
      name: 'a field of each element',
      bad: 'deny contains 1 if {\n\tsome item in body.items\n\tnot item.host in hosts\n}',
      warned: ['3:2 input.action.payload.items[_].host'],
      good: 'deny contains 1 if {\n\tsome item in body.items\n\tnot fine(item)\n}\n\nfine(item) if item.host in hosts',
    },
    {
      name: 'the result',
      bad: `deny contains sprintf("%v", [${HOST}]) if not fine\n\nfine if ${HOST} in hosts`,
      warned: [`1:30 ${HOST}`],
      good: `deny contains sprintf("%v", [object.get(body, "host", "")]) if not fine\n\nfine if ${HOST} in hosts`,
    },
    {
      name: 'a field of a principal that is null',
      bad: 'deny contains 1 if not input.action.principal.id in hosts',
      warned: ['1:20 input.action.principal.id'],
      good: 'deny contains 1 if not fine\n\nfine if input.action.principal.id in hosts',
    },
  ])('$name -> warned form skips, recommended form denies', async ({ bad, warned, good }) => {
    const payload = { items: [{}] }
    expect(await warnings(bad)).toEqual(warned)
    expect(await denials(bad, payload)).toBe(0)
    expect(await warnings(good)).toEqual([])
    expect(await denials(good, payload)).toBe(1)
  })

  // Forms that look alike and deny without the field: a warning would teach people to pass over it.
  test.for([
    ['negated equality', `deny contains 1 if not ${HOST} == "a"`],
    ['negated field', `deny contains 1 if not ${HOST}`],
    ['default', 'deny contains 1 if not object.get(body, "host", "") in hosts'],
    ['whole payload', 'deny contains 1 if not fine(body)\n\nfine(p) if p.host in hosts'],
    ['negated helper that negates', `deny contains 1 if not fine\n\nfine if not ${HOST} in hosts`],
    ['comprehension', `deny contains 1 if not count([1 | ${HOST} in hosts]) > 0`],
    ['template', `deny contains 1 if $"{${HOST}}" != "a"`],
  ] as const)('%s -> no warning, denies', async ([, rules]) => {
    expect(await warnings(rules)).toEqual([])
    expect(await denials(rules, {})).toBe(1)
  })

  test('a rule that stops nothing -> no warning', async () => {
    expect(await warnings('warn contains 1 if not body.host in hosts')).toEqual([])
  })
})
