import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DataMissingError, readData } from '../../../scripts/behaviour-eval/data.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function folderOf(files: Readonly<Record<string, readonly object[]>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-behaviour-'))
  folders.push(folder)
  for (const [name, rows] of Object.entries(files)) {
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    writeFileSync(join(folder, `${name}.jsonl`), text)
  }
  return folder
}

const look = { service: 'shop', action: 'look', args_digest: '01' }
const buy = { service: 'shop', action: 'buy' }
const benign = { session: 's', task: 't', steps: [look, buy] }
const attack = {
  ...{ session: 's~x', task: 't', steps: [look, look, buy], base: 's' },
  ...{ family: 'novel', attack_at: 1, attack_len: 1 },
}
const retail = { tau_retail_benign: [benign], tau_retail_attack: [attack] }

test('sessions and attacks are read, with the digests of arguments', () => {
  const { domains } = readData(folderOf(retail))
  const calls = [
    { service: 'shop', action: 'look', args: '01' },
    { service: 'shop', action: 'buy', args: null },
  ]
  expect(domains).toEqual([
    {
      name: 'retail',
      sessions: [{ id: 's', task: 't', calls }],
      attacks: [
        {
          ...{ id: 's~x', task: 't', base: 's', family: 'novel', attackAt: 1 },
          calls: [calls[0], ...calls],
        },
      ],
    },
  ])
})

test('domains whose files are missing are left out and said so, and others are found', () => {
  const { domains, hdfs, leftOut } = readData(
    folderOf({ ...retail, tau_travel_benign: [benign], tau_travel_attack: [attack] }),
  )
  expect(domains.map(({ name }) => name)).toEqual(['retail', 'travel'])
  expect(hdfs).toBeNull()
  expect(leftOut).toEqual([
    'airline: there is no tau_airline_benign.jsonl and no tau_airline_attack.jsonl',
    'hdfs: there is no hdfs_benign.jsonl and no hdfs_attack.jsonl',
  ])
})

test.for([
  { name: 'an attack without a call', rows: { tau_retail_attack: [{ ...attack, attack_len: 0 }] } },
  { name: 'a session of one call', rows: { tau_retail_benign: [{ ...benign, steps: [look] }] } },
])('$name is left out', ({ rows }) => {
  const [domain] = readData(folderOf({ ...retail, ...rows })).domains
  expect([domain?.sessions.length, domain?.attacks.length].sort()).toEqual([0, 1])
})

test('an attack that begins nowhere begins with the session', () => {
  const rows = { tau_retail_attack: [{ ...attack, attack_at: null }] }
  const [domain] = readData(folderOf({ ...retail, ...rows })).domains
  expect(domain?.attacks[0]?.attackAt).toBe(0)
})

test('block traces are learned from their training part and judged on their test part', () => {
  const trace = { session: 'b', seq: '5 22 5', service: 'hdfs', label: 'benign' }
  const { hdfs } = readData(
    folderOf({
      hdfs_benign: ['train', 'validation', 'test'].map((split) => ({ ...trace, split })),
      hdfs_attack: [trace, trace],
    }),
  )
  expect([hdfs?.train.length, hdfs?.benign.length, hdfs?.odd.length]).toEqual([1, 1, 2])
  expect(hdfs?.train[0]?.calls.map(({ action }) => action)).toEqual(['5', '22', '5'])
})

test.for([
  { name: 'an empty folder', files: {} },
  { name: 'benign sessions without attacks', files: { tau_retail_benign: [benign] } },
  { name: 'attacks without benign sessions', files: { tau_retail_attack: [attack] } },
])('$name is no data', ({ files }) => {
  expect(() => readData(folderOf(files))).toThrow(DataMissingError)
})

test('a folder that does not exist is no data', () => {
  expect(() => readData(join(folderOf({}), 'none'))).toThrow(DataMissingError)
})

test.for([
  { name: 'no steps', row: { session: 's', task: 't' }, want: 'session s has no steps' },
  { name: 'no id', row: { task: 't', steps: [look] }, want: 'expected a text as session' },
  {
    name: 'a call without an action',
    row: { session: 's', steps: [{ service: 'shop' }] },
    want: 'expected a text as action',
  },
])('a row with $name is refused', ({ row, want }) => {
  const folder = folderOf({ ...retail, tau_retail_benign: [row] })
  expect(() => readData(folder)).toThrow(want)
})
