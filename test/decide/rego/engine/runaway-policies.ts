import type { JsonObject } from '../../../../src/base/json-value.ts'

/** Policies that would go on for minutes or fill the memory. Each is a module `t` whose rule `p` is asked for. */
export type Runaway = {
  readonly name: string
  readonly source: string
  readonly input?: JsonObject
}

const XS = Array.from({ length: 2_000 }, (_, at) => at)
/** Two objects of many members, of which one has one more. */
const LARGE: JsonObject = Object.fromEntries(
  XS.flatMap((at) => XS.slice(0, 10).map((to) => [`k${at}/${to}`, at])),
)
const LARGE_PAIR: JsonObject = { large: LARGE, larger: { ...LARGE, more: 1 } }
/** Begins a comprehension that has a million turns. */
const MILLION = 'some i in numbers.range(1, 1000); some j in numbers.range(1, 1000)'

function deep(levels: number): JsonObject {
  let value: JsonObject = { leaf: 1 }
  for (let level = 0; level < levels; level++) value = { a: value }
  return value
}

/** Forty variables, each the one before twice. */
function doubling(first: string, twice: (before: string) => string): string {
  const lines = Array.from({ length: 40 }, (_, at) => `\tx${at + 1} := ${twice(`x${at}`)}`)
  return `p := x40 if {\n\tx0 := ${first}\n${lines.join('\n')}\n}`
}

export const RUNAWAYS: readonly Runaway[] = [
  {
    name: 'a comprehension over a product',
    source: 'p := count([1 | some x in input.xs; some y in input.xs; some z in input.xs])',
    input: { xs: XS },
  },
  {
    name: 'large objects of unlike sizes, compared again and again',
    source: `p := count([1 | ${MILLION}; x := [input.large, i, j][i - i]; x == input.larger])`,
    input: LARGE_PAIR,
  },
  {
    name: 'a large object, taken apart again and again',
    source: `p := count([1 | ${MILLION}; {"k0/0": i, "more": j} = input.large])`,
    input: LARGE_PAIR,
  },
  {
    name: 'the type of a large object, again and again',
    source: `p := count([1 | ${MILLION}; is_object([input.large, i, j][i - i])])`,
    input: LARGE_PAIR,
  },
  {
    name: 'a large object among others',
    source: `p := count([1 | ${MILLION}; input.large in [input.larger, i, j]])`,
    input: LARGE_PAIR,
  },
  {
    name: 'a result that holds one long text many times',
    source: `p := [{input.text, "b"} | ${MILLION}; j < 10]`,
    input: { text: 'ab'.repeat(50_000) },
  },
  {
    name: 'sets of long texts that begin alike',
    source: `p := count([1 | ${MILLION}; s := {x | some x in input.texts}; some x in s; x == "b"])`,
    input: { texts: XS.slice(0, 60).map((at) => 'a'.repeat(60_000) + at) },
  },
  {
    name: 'a set of pairs',
    source: 'p := {[x, y] | some x in input.xs; some y in input.xs}',
    input: { xs: XS },
  },
  {
    name: 'an object of products',
    source:
      'p := {x: y | some a in input.xs; some b in input.xs; x := (a * 2000) + b; y := [a, b]}',
    input: { xs: XS },
  },
  {
    name: 'a product in a constant',
    source: 'p := count([1 | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000)])',
  },
  {
    name: 'a text that doubles',
    source: doubling('"0123456789"', (x) => `concat("", [${x}, ${x}])`),
  },
  {
    name: 'an array that doubles',
    source: doubling('[1, 2, 3, 4]', (x) => `array.concat(${x}, ${x})`),
  },
  {
    name: 'an array that holds itself twice, again and again',
    source: doubling('[1]', (x) => `[${x}, ${x}]`),
  },
  {
    name: 'the same in a set',
    source: doubling('[1]', (x) => `[${x}, ${x}]`).replace('p := x40', 'p contains x40'),
  },
  {
    name: 'a text that is replaced by longer ones',
    source: doubling('"aa"', (x) => `replace(${x}, "a", "aa")`),
  },
  {
    name: 'widths',
    source: 'p := count([1 | some x in input.xs; sprintf("%999999d", [x]) != ""])',
    input: { xs: XS },
  },
  {
    name: 'a number that grows',
    source: doubling('input.n', (x) => `${x} * ${x}`),
    input: { n: 12345 },
  },
  { name: 'a shift', source: 'p := bits.lsh(1, 1000000000)' },
  { name: 'a huge range', source: 'p := count(numbers.range(1, 1000000000000))' },
  { name: 'a network of addresses', source: 'p := count(net.cidr_expand("10.0.0.0/8"))' },
  {
    name: 'a walk in a walk in a walk',
    source: 'p := count([1 | walk(input.v, [a, _]); walk(input.v, [b, _]); walk(input.v, [c, _])])',
    input: { v: deep(400) },
  },
  {
    name: 'deep data, marshalled again and again',
    source: 'p := count([1 | some x in input.xs; json.marshal(input.v) != x])',
    input: { xs: XS, v: deep(400) },
  },
  {
    name: 'deep data, compared again and again',
    source:
      'p := count([1 | some x in input.xs; some y in input.xs; input.v == object.union(input.v, {"z": y}); x != y])',
    input: { xs: XS, v: deep(300) },
  },
  {
    name: 'texts that nest',
    source: 'p := json.unmarshal(concat("", [x | some _ in numbers.range(1, 100000); x := "["]))',
  },
  {
    name: 'a pattern that backtracks',
    source:
      'p := count([1 | some x in input.xs; regex.match(`^(([a-z])+.)+[A-Z]([a-z])+$`, input.text); x >= 0])',
    input: { xs: XS, text: 'a'.repeat(20_000) },
  },
  {
    name: 'a large pattern on a large text',
    source: 'p := regex.match(`(a|b|ab){1,900}c`, input.text)',
    input: { text: 'ab'.repeat(50_000) },
  },
  { name: 'a pattern too large', source: 'p := regex.match(`((a{100}){100}){100}`, "a")' },
  {
    name: 'paths of a dense graph',
    source: 'p := graph.reachable_paths({x: input.xs | some x in input.xs}, [0])',
    input: { xs: XS.slice(0, 40) },
  },
  {
    name: 'aliases of aliases',
    source: `p := count(yaml.unmarshal("a: &a [x,x,x,x,x,x,x,x,x]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]"))`,
  },
]
