import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataFolder } from '../tools.ts'

/** A text and what people, or the generator that made it, say is in it. */
export type LabelledText = {
  readonly text: string
  readonly labels: readonly {
    readonly type: string
    readonly start: number
    readonly end: number
  }[]
}

/**
 * The 1,500 sentences that presidio-evaluator ships (MIT): templates of people, filled with data of a generator, each
 * piece labelled. Offsets count Unicode characters there, UTF-16 code units here.
 */
export function sentences(): { readonly name: string; readonly texts: readonly LabelledText[] } {
  const { folder, version } = dataFolder('presidio-evaluator')
  const file = join(folder, 'data', 'synth_dataset_v2.json')
  const entries = JSON.parse(readFileSync(file, 'utf8')) as readonly Entry[]
  const texts = entries.map(({ full_text: text, spans }) => {
    const offsets = offsetsOf(text)
    return {
      text,
      labels: spans.map((span) => ({
        type: span.entity_type,
        start: offsets[span.start_position] ?? text.length,
        end: offsets[span.end_position] ?? text.length,
      })),
    }
  })
  return { name: `presidio-evaluator ${version}, data/synth_dataset_v2.json`, texts }
}

type Entry = {
  readonly full_text: string
  readonly spans: readonly {
    readonly entity_type: string
    readonly start_position: number
    readonly end_position: number
  }[]
}

function offsetsOf(text: string): number[] {
  const offsets: number[] = []
  let at = 0
  for (const character of text) {
    offsets.push(at)
    at += character.length
  }
  return [...offsets, at]
}

/** Numbers of one kind: those that python-stdnum's documentation and tests call valid, and those that they refuse. */
export type NumberList = {
  readonly module: string
  readonly valid: readonly string[]
  readonly refused: readonly string[]
}

/** The numbers in python-stdnum's own doctests: data to test with, nothing of its code is used. */
export function numberLists(modules: readonly string[]): {
  readonly name: string
  readonly lists: readonly NumberList[]
} {
  const { folder, version } = dataFolder('python-stdnum')
  const lists = modules.map((module) => {
    const file = `${module.replace('.', '/')}.py`
    const test = `test_${module.replace('.', '_')}.doctest`
    const tests = readdirSync(join(folder, 'tests')).includes(test)
      ? readFileSync(join(folder, 'tests', test), 'utf8')
      : ''
    const text = `${readFileSync(join(folder, 'stdnum', file), 'utf8')}\n${tests}`
    return { module, ...numbersIn(text) }
  })
  return { name: `python-stdnum ${version}, doctests`, lists }
}

function numbersIn(text: string): Pick<NumberList, 'valid' | 'refused'> {
  const valid = new Set<string>()
  const refused = new Set<string>()
  const lines = text.split('\n')
  let inList = false
  for (const [i, line] of lines.entries()) {
    if (/numbers = '''/.test(line)) inList = true
    else if (/^\.\.\. '''/.test(line)) inList = false
    else if (inList && /^\.\.\. \S/.test(line)) valid.add(line.slice(4).trim())
    const call = /^>>> (?:\w+\.)?(?:validate|is_valid)\('([^']+)'\)/.exec(line)
    const answer = lines[i + 1] ?? ''
    if (call?.[1] === undefined) continue
    if (/^(?:'|True)/.test(answer)) valid.add(call[1])
    else if (/^(?:Traceback|False)/.test(answer)) refused.add(call[1])
  }
  return { valid: [...valid], refused: [...refused] }
}
