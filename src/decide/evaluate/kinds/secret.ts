import type { CompiledRule } from '../../../model/generated/types.ts'
import type { Detector } from '../../detect/index.ts'
import { DETECTORS, SECRET_KINDS } from '../../detect/index.ts'
import { ENTROPY_KIND } from '../../detect/secrets.ts'
import { invalid, own, ownTexts } from '../settings.ts'
import { contentKind } from './content.ts'

/** Credentials in the action's fields. */
export const secret = contentKind({
  name: 'secret',
  what: 'credentials',
  detectors: detectorsOf,
  names: () => [],
})

function detectorsOf(rule: CompiledRule): readonly Detector[] {
  const kinds = ownTexts(rule, rule.spec, 'detect')
  const entropy = own(rule.spec, 'entropy')
  if (kinds === undefined) throw invalid(rule, 'expected detect to name kinds of secrets')
  if (typeof entropy !== 'boolean') throw invalid(rule, 'expected entropy to be true or false')
  return [...kinds, ...(entropy ? [ENTROPY_KIND] : [])].map((kind) => {
    const detector = SECRET_KINDS.includes(kind) ? DETECTORS.get(kind) : undefined
    if (detector !== undefined) return detector
    throw invalid(rule, `expected a kind of secret, found ${JSON.stringify(kind)}`)
  })
}
