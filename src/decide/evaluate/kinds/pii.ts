import type { CompiledRule } from '../../../model/generated/types.ts'
import type { Detector } from '../../detect/index.ts'
import { DETECTORS, PERSONAL_KINDS } from '../../detect/index.ts'
import { invalid, ownTexts } from '../settings.ts'
import { contentKind } from './content.ts'

/** Personal data in the action's fields. */
export const pii = contentKind({
  name: 'pii',
  what: 'personal data',
  detectors: detectorsOf,
  names: (rule) => ownTexts(rule, rule.spec, 'names') ?? [],
})

function detectorsOf(rule: CompiledRule): readonly Detector[] {
  const kinds = ownTexts(rule, rule.spec, 'detect') ?? []
  if (kinds.length === 0) throw invalid(rule, 'expected detect to name kinds of personal data')
  return kinds.map((kind) => {
    const detector = PERSONAL_KINDS.has(kind) ? DETECTORS.get(kind) : undefined
    if (detector !== undefined) return detector
    throw invalid(rule, `expected a kind of personal data, found ${JSON.stringify(kind)}`)
  })
}
