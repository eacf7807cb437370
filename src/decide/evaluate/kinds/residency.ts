import type { JsonObject } from '../../../base/json-value.ts'
import type { Path } from '../../../base/path.ts'
import type { CompiledTool } from '../../../model/generated/types.ts'
import type { Facts } from '../facts.ts'
import { compilePath, readField } from '../fields.ts'
import { compileGlobs } from '../selector.ts'
import { findOrPass, invalid, own, ownText, ownTexts } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/**
 * Data of a class on its way to a tool in another region, or in none that is known. What a call takes is told by the
 * fields that the tool's file declares and, where the rule asks for it, by the caller.
 */
export const residency: Kind = {
  name: 'residency',
  compile(rule) {
    const name = ownText(rule, rule.spec, 'class')
    const regions = ownTexts(rule, rule.spec, 'regions')
    if (regions === undefined) throw invalid(rule, 'expected regions to be a list of regions')
    const isAllowed = compileGlobs(regions)
    const undeclared = findOrPass(rule, rule.spec, 'undeclared')
    const asked = own(rule.spec, 'classes_in') !== undefined
    const classesIn = asked ? compilePath(rule, ownText(rule, rule.spec, 'classes_in')) : null
    return {
      ...STATELESS,
      judge(facts) {
        const region = regionOf(facts.tool)
        if (region !== null && isAllowed(region)) return { found: null, writes: [] }
        const taken = {
          ...takenByTool(facts, name, undeclared),
          ...(classesIn === null ? {} : takenByWord(facts, classesIn, name)),
        }
        if (Object.keys(taken).length === 0) return { found: null, writes: [] }
        const where = region === null ? 'a tool whose region is not known' : 'another region'
        const message = `The call takes, or may take, data of the class ${name} to ${where}.`
        return {
          found: { message, evidence: { class: name, regions: [...regions], region, ...taken } },
          writes: [],
        }
      },
    }
  },
}

function regionOf(tool: CompiledTool | null): string | null {
  const region = tool === null ? undefined : own(tool, 'region')
  return typeof region === 'string' ? region : null
}

/** By what the tool's file says its fields hold: fields of the class that are there, or that nobody said. */
function takenByTool(facts: Facts, name: string, undeclared: 'find' | 'pass'): JsonObject {
  const declared = facts.tool === null ? null : fieldsOfTool(facts.tool)
  if (declared === null) return undeclared === 'find' ? { undeclared: true } : {}
  const fields = declared
    .filter(
      (field) => field.class === name && readField(facts.fields, field.path).values.length > 0,
    )
    .map(({ path }) => path.text)
  return fields.length === 0 ? {} : { fields }
}

/** By what the caller says; where it says nothing, or something that is no list of names, it may be any class. */
function takenByWord({ fields }: Facts, path: Path, name: string): JsonObject {
  const { values, missing } = readField(fields, path)
  const words = values.flat()
  if (missing || !words.every((word) => typeof word === 'string')) return { unnamed: path.text }
  return words.includes(name) ? { named: path.text } : {}
}

type ClassField = { readonly path: Path; readonly class: string }

// A tool's fields are the same for as long as the policy is loaded.
const FIELDS = new WeakMap<CompiledTool, readonly ClassField[] | null>()

/** @throws {PolicyError} PATH_INVALID for a bundle that no compiler of ours made; the rule then denies */
function fieldsOfTool(tool: CompiledTool): readonly ClassField[] | null {
  const known = FIELDS.get(tool)
  if (known !== undefined) return known
  const place = { id: `${tool.service}.${tool.action}`, ...tool }
  const classes = Object.hasOwn(tool, 'classes') ? tool.classes : undefined
  const fields =
    classes?.map((one) => ({ path: compilePath(place, one.path), class: one.class })) ?? null
  FIELDS.set(tool, fields)
  return fields
}
