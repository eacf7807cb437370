import { parseNumber } from '../../src/decide/rego/values/number.ts'
import { numberText } from '../../src/decide/rego/values/text.ts'
import type { Random } from './random.ts'
import { HOSTILE_NUMBERS, NUMBERS, TEXTS } from './samples.ts'
import type { Type } from './type.ts'
import { ANY, arrayOf, BOOLEAN, NULL, NUMBER, objectOf, STRING } from './type.ts'

/** JSON whose numbers are texts, and whose names may come twice. */
export type Json =
  | { readonly text: string }
  | { readonly items: readonly Json[] }
  | { readonly members: readonly (readonly [name: string, value: Json])[] }

/** What documents of one kind have in common: names, and what is likely to be under them. */
export type Shape = { readonly type: Type; readonly fields?: Readonly<Record<string, Shape>> }

/** A shape of an object, which may hold objects. */
export function growShape(random: Random, depth = 2): Shape {
  const names = NAMES.filter(() => random.chance(0.5))
  const fields = names.map((name): [string, Shape] => {
    if (depth > 0 && random.chance(0.25)) return [name, growShape(random, depth - 1)]
    return [name, { type: random.pick(FIELD_TYPES)(random) }]
  })
  return { type: objectOf(ANY), fields: Object.fromEntries(fields) }
}

/** Paths of a shape below a reference, with what is likely there. */
export function pathsOf(shape: Shape, reference: string): readonly (readonly [string, Type])[] {
  const inner = Object.entries(shape.fields ?? {}).flatMap(([name, field]) =>
    pathsOf(field, `${reference}.${name}`),
  )
  return [[reference, shape.type], ...inner]
}

/** A document of the shape, and now and then of another. */
export function growDocument(random: Random, shape: Shape): Json {
  if (shape.fields === undefined) {
    if (random.chance(0.06)) return growValue(random, ANY, 2)
    if (random.chance(0.01)) return nested(random, 40)
    return growValue(random, shape.type, 3)
  }
  if (random.chance(0.04)) return growValue(random, ANY, 2)
  const members = Object.entries(shape.fields)
    .filter(() => !random.chance(0.08))
    .map(([name, field]): [string, Json] => [name, growDocument(random, field)])
  if (random.chance(0.1)) members.push([random.pick(TEXTS['word']!), growValue(random, ANY, 1)])
  const [first] = members
  if (first !== undefined && random.chance(0.02)) {
    members.push([first[0], growValue(random, ANY, 1)])
  }
  return { members }
}

export function growValue(random: Random, type: Type, depth: number): Json {
  const many = (): readonly Json[] => {
    const of = 'of' in type ? type.of : ANY
    const length = depth > 0 ? random.below(5) : 0
    return Array.from({ length }, () => growValue(random, of, depth - 1))
  }
  switch (type.is) {
    case 'null':
      return { text: 'null' }
    case 'boolean':
      return { text: random.pick(['true', 'false']) }
    case 'number': {
      const texts = random.chance(0.12) ? HOSTILE_NUMBERS : NUMBERS[type.as]
      return { text: random.pick(texts ?? NUMBERS['number']!) }
    }
    case 'string':
      return { text: JSON.stringify(random.pick(TEXTS[type.as] ?? TEXTS['text']!)) }
    case 'array':
    case 'set':
      return { items: many() }
    case 'object': {
      const names = new Set(many().map(() => random.pick(TEXTS['word']!)))
      return { members: [...names].map((name) => [name, growValue(random, type.of, depth - 1)]) }
    }
    case 'any':
      return growValue(random, random.pick(ANY_TYPES), depth)
  }
}

export function jsonText(json: Json): string {
  if ('text' in json) return json.text
  if ('items' in json) return `[${json.items.map(jsonText).join(',')}]`
  const members = json.members.map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value)}`)
  return `{${members.join(',')}}`
}

/** The document with its numbers in the text that Countersign writes. */
export function plainNumbers(json: Json): Json {
  if ('items' in json) return { items: json.items.map(plainNumbers) }
  if ('members' in json) {
    return { members: json.members.map(([name, value]) => [name, plainNumbers(value)]) }
  }
  const value = /^[-0-9]/.test(json.text) ? parseNumber(json.text) : undefined
  return value === undefined ? json : { text: numberText(value) }
}

/** What one change makes of a document that is smaller, the largest change first. */
export function smallerJson(json: Json): readonly Json[] {
  if ('text' in json) return json.text === '0' || json.text === 'null' ? [] : [{ text: 'null' }]
  if ('items' in json) {
    const without = json.items.map((_, at) => ({ items: json.items.toSpliced(at, 1) }))
    const within = json.items.flatMap((item, at) =>
      smallerJson(item).map((smaller) => ({ items: json.items.with(at, smaller) })),
    )
    return [...without, ...within]
  }
  const without = json.members.map((_, at) => ({ members: json.members.toSpliced(at, 1) }))
  const within = json.members.flatMap(([name, value], at) =>
    smallerJson(value).map((smaller) => ({
      members: json.members.with(at, [name, smaller]),
    })),
  )
  return [...without, ...within]
}

const NAMES = ['a', 'b', 'c', 'id', 'name', 'list', 'map', 'user', 'items', 'n', 's', 'flag']

const ANY_TYPES: readonly Type[] = [
  NULL,
  BOOLEAN,
  NUMBER,
  STRING,
  arrayOf(ANY),
  arrayOf(STRING),
  objectOf(ANY),
]

const FIELD_TYPES: readonly ((random: Random) => Type)[] = [
  (random) => ({ is: 'string', as: random.pick(Object.keys(TEXTS)) }),
  (random) => ({ is: 'string', as: random.pick(Object.keys(TEXTS)) }),
  (random) => ({ is: 'number', as: random.pick(Object.keys(NUMBERS)) }),
  (random) => ({ is: 'number', as: random.pick(['number', 'int']) }),
  () => BOOLEAN,
  () => ANY,
  (random) => arrayOf({ is: 'string', as: random.pick(Object.keys(TEXTS)) }),
  () => arrayOf(NUMBER),
  () => arrayOf(objectOf(ANY)),
  () => arrayOf(ANY),
  () => objectOf(ANY),
  () => objectOf(arrayOf({ is: 'string', as: 'word' })),
  () => objectOf(NUMBER),
  () => objectOf(objectOf(ANY)),
]

function nested(random: Random, levels: number): Json {
  let json: Json = { text: '1' }
  for (let level = 0; level < levels; level++) {
    json = random.chance(0.5) ? { items: [json] } : { members: [['a', json]] }
  }
  return json
}
