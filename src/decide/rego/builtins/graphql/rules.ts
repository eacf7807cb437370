import {
  argumentsAreKnown,
  argumentsAreUnique,
  directiveIsKnown,
  directivesAreUnique,
  requiredArgumentsAreGiven,
} from './argument-rules.ts'
import type {
  Directive,
  Field,
  Fragment,
  FragmentSpread,
  InlineFragment,
  Literal,
  Operation,
  VariableDefinition,
} from './ast.ts'
import { fieldIsDefined, introspectionIsShallow, leavesAreLeaves } from './field-rules.ts'
import {
  fragmentIsNoCycle,
  fragmentIsOnComposite,
  fragmentIsUnique,
  fragmentIsUsed,
  fragmentTypeIsKnown,
  inlineIsOnComposite,
  inlineIsPossible,
  inlineTypeIsKnown,
  spreadIsKnown,
  spreadIsPossible,
  spreadUses,
} from './fragment-rules.ts'
import { fieldMerges, fragmentMerges, inlineFragmentMerges, operationMerges } from './merge-rule.ts'
import {
  anonymousOperationIsAlone,
  operationIsUnique,
  rootIsKnown,
  subscriptionHasOneField,
  variablesAreInputs,
  variablesAreUnique,
  variablesAreUsed,
  variableTypeIsKnown,
} from './operation-rules.ts'
import type { Validation } from './validation.ts'
import {
  inputFieldsAreUnique,
  oneOfVariablesAreRequired,
  valueIsOfType,
  variableIsDefined,
  variableMayStandHere,
} from './value-rules.ts'

/** Looks at a node whose inside was visited. @throws {GraphqlFault} when it breaks the rule */
export type Rule<T> = (validation: Validation, node: T) => void

// In the order of gqlparser's names for them, which is the order it runs them in.

export const OPERATION_RULES: readonly Rule<Operation>[] = [
  rootIsKnown,
  anonymousOperationIsAlone,
  variablesAreUsed,
  operationMerges,
  subscriptionHasOneField,
  operationIsUnique,
  variablesAreUnique,
  variablesAreInputs,
]

export const VARIABLE_RULES: readonly Rule<VariableDefinition>[] = [variableTypeIsKnown]

export const FIELD_RULES: readonly Rule<Field>[] = [
  fieldIsDefined,
  argumentsAreKnown,
  introspectionIsShallow,
  fieldMerges,
  requiredArgumentsAreGiven,
  leavesAreLeaves,
  argumentsAreUnique,
]

export const DIRECTIVE_RULES: readonly Rule<Directive>[] = [
  argumentsAreKnown,
  directiveIsKnown,
  requiredArgumentsAreGiven,
  argumentsAreUnique,
]

export const DIRECTIVE_LIST_RULES: readonly Rule<readonly Directive[]>[] = [directivesAreUnique]

export const INLINE_FRAGMENT_RULES: readonly Rule<InlineFragment>[] = [
  inlineIsOnComposite,
  inlineTypeIsKnown,
  inlineFragmentMerges,
  inlineIsPossible,
]

export const SPREAD_RULES: readonly Rule<FragmentSpread>[] = [
  spreadIsKnown,
  spreadUses,
  spreadIsPossible,
]

export const FRAGMENT_RULES: readonly Rule<Fragment>[] = [
  fragmentIsOnComposite,
  fragmentTypeIsKnown,
  fragmentIsNoCycle,
  fragmentIsUsed,
  fragmentMerges,
  fragmentIsUnique,
]

export const VALUE_RULES: readonly Rule<Literal>[] = [
  variableIsDefined,
  inputFieldsAreUnique,
  valueIsOfType,
  variableMayStandHere,
  oneOfVariablesAreRequired,
]
