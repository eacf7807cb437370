import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ExampleError, guardrailsPage, kindsOf } from '../../scripts/guardrails.ts'
import { RULE_KINDS } from '../../src/policy/compile/kinds/index.ts'

// The page of guardrail kinds has a section for each, with settings and an example that is tested.

const root = join(import.meta.dirname, '..', '..')
const kinds = readdirSync(join(root, 'schemas/kinds')).map((name) =>
  name.replace('.schema.json', ''),
)
const schemas = new Map(
  readdirSync(join(root, 'schemas'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.schema.json'))
    .map((name) => [
      name.replaceAll('\\', '/'),
      JSON.parse(readFileSync(join(root, 'schemas', name), 'utf8')) as object,
    ]),
)
const page = readFileSync(join(root, 'docs/reference/guardrails.md'), 'utf8')

function sectionOf(kind: string): string {
  const [, section = ''] = page.split(`\n## ${kind}\n`)
  return section.split('\n## ')[0] ?? ''
}

test('the page is what the schemas and the example give', async () => {
  expect(await guardrailsPage(schemas)).toEqual(['docs/reference/guardrails.md', page])
})

test('kinds, schemas and sections are the same, in the order of the alphabet', () => {
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual([...kinds].sort())
  expect(kindsOf(schemas)).toEqual(headings)
  expect(RULE_KINDS.map(({ name }) => name).sort()).toEqual(headings)
})

describe.for(kinds)('%s', (kind) => {
  const section = sectionOf(kind)

  test('shows every setting of its schema, each with its meaning', () => {
    const schema = schemas.get(`kinds/${kind}.schema.json`) as { readonly properties?: object }
    for (const setting of Object.keys(schema.properties ?? {})) {
      expect(section).toMatch(new RegExp(`^\\| \`${setting}\` \\| [^|]+ \\| [A-Z\`][^|]+ \\|`, 'm'))
    }
  })

  test('says what is missing or undecidable, and shows a rule of the kind', () => {
    expect(section).toMatch(/^\*\*Missing or undecidable:\*\* [A-Z]/m)
    expect(section).toMatch(new RegExp(`^\`\`\`yaml\\n[^\`]*^    ${kind}:`, 'm'))
  })

  test('names a test that finds and one that does not', () => {
    const verdicts = [...section.matchAll(/^\| `.*` \| (allow|redact|hold|deny) \|$/gm)]
    const words = new Set(verdicts.map(([, word]) => word))
    expect(words.has('allow')).toBe(true)
    expect(words.size).toBeGreaterThan(1)
  })
})

test.for([
  {
    name: 'a kind without an example',
    add: ['kinds/x.schema.json', { title: 'X rule' }] as const,
    want: 'the guardrail kind x lacks an example: add examples/guardrails/policies/guardrails/x.yaml',
  },
  {
    name: 'a kind that no rule can name',
    add: ['guardrails.schema.json', {}] as const,
    want: /^schemas\/kinds\/\w+\.schema\.json describes a kind that no rule can name/,
  },
])('$name stops the generation', async ({ add: [path, schema], want }) => {
  const error = await guardrailsPage(new Map([...schemas, [path, schema]])).catch((e) => e)
  expect(error).toBeInstanceOf(ExampleError)
  expect(error.message).toMatch(want)
})

test('an example without a kind stops the generation', async () => {
  const fewer = new Map([...schemas].filter(([path]) => path !== 'kinds/velocity.schema.json'))
  await expect(guardrailsPage(fewer)).rejects.toThrow(
    'examples/guardrails/policies/guardrails/velocity.yaml is the example of no guardrail kind',
  )
})
