import type { Statement } from '../plan/plan.ts'
import type { Value } from '../values/value.ts'
import { RegoObject, RegoSet } from '../values/value.ts'
import type { Run } from './closure-frame.ts'
import { PROCEED, read, slotOf } from './closure-frame.ts'
import {
  add,
  append,
  assignedTwice,
  insert,
  insertNest,
  insertOnce,
  lengthOf,
  merge,
  same,
} from './operations.ts'

type Of<Op extends Statement['op']> = Extract<Statement, { op: Op }>

/** Statements that make, fill or assign, and are never undefined. */
export type Assignment = Of<
  | 'length'
  | 'constant'
  | 'assign'
  | 'assign_once'
  | 'reset'
  | 'make'
  | 'append'
  | 'insert'
  | 'insert_once'
  | 'merge'
  | 'add'
  | 'result'
>

const MADE: Readonly<Record<Of<'make'>['type'], () => Value>> = {
  array: () => [],
  object: () => new RegoObject(),
  set: () => new RegoSet(),
}

export function buildAssignment(statement: Assignment): Run {
  const { site } = statement
  switch (statement.op) {
    case 'length': {
      const [slot, { target }] = [slotOf(statement.source), statement]
      return (frame) => {
        frame[target] = lengthOf(read(frame, slot))
        return PROCEED
      }
    }
    case 'constant': {
      const { target, value } = statement
      return (frame) => {
        frame[target] = value
        return PROCEED
      }
    }
    case 'assign': {
      const { target } = statement
      const { at, constant } = slotOf(statement.source)
      return (frame) => {
        frame[target] = at < 0 ? constant : frame[at]
        return PROCEED
      }
    }
    case 'assign_once':
      return buildAssignOnce(statement)
    case 'reset': {
      const { target } = statement
      return (frame) => {
        frame[target] = undefined
        return PROCEED
      }
    }
    case 'make': {
      const [make, { target }] = [MADE[statement.type], statement]
      return (frame) => {
        frame[target] = make()
        return PROCEED
      }
    }
    case 'merge': {
      const { a, b, target } = statement
      return (frame, evaluation) => {
        frame[target] = merge(evaluation, frame[a], frame[b], site)
        return PROCEED
      }
    }
    case 'result': {
      const { value } = statement
      return (frame, evaluation) => {
        evaluation.results.push(frame[value] as Value)
        return PROCEED
      }
    }
    default:
      return buildFilling(statement)
  }
}

function buildAssignOnce({ source, target, site }: Of<'assign_once'>): Run {
  const { at, constant } = slotOf(source)
  return (frame, evaluation) => {
    const before = frame[target]
    const value = at < 0 ? constant : frame[at]
    if (before !== undefined) {
      evaluation.site = site
      if (!same(evaluation, before, value)) throw assignedTwice(site)
    }
    frame[target] = value
    return PROCEED
  }
}

function buildFilling(statement: Of<'append' | 'insert' | 'insert_once' | 'add'>): Run {
  const { site } = statement
  const { at, constant } = slotOf(statement.value)
  switch (statement.op) {
    case 'append': {
      const { array } = statement
      return (frame, evaluation) => {
        append(evaluation, frame[array], at < 0 ? constant : frame[at], site)
        return PROCEED
      }
    }
    case 'add': {
      const { set } = statement
      return (frame, evaluation) => {
        add(evaluation, frame[set], at < 0 ? constant : frame[at], site)
        return PROCEED
      }
    }
    default: {
      const [key, { object }] = [slotOf(statement.key), statement]
      const plain = statement.op === 'insert' && statement.nest ? insertNest : insert
      const put = statement.op === 'insert' ? plain : insertOnce
      return (frame, evaluation) => {
        put(evaluation, frame[object], read(frame, key), at < 0 ? constant : frame[at], site)
        return PROCEED
      }
    }
  }
}
