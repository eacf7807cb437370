import { expect, test } from 'vitest'
import { damageData } from '../fail-open/data.ts'
import { loadSubjects } from '../fail-open/subjects.ts'
import { newTally, report } from '../fail-open/tally.ts'

// The unit tests try a sample of the damage to compiled policies and documents; this tries all of it.

test('no damage to a compiled policy or its documents makes a verdict weaker', async () => {
  const tally = newTally()
  damageData(await loadSubjects(), tally, 'all')
  console.log(report(new Map([['compiled policy and data, all of it', tally]])))
  expect(tally.falls).toEqual([])
})
