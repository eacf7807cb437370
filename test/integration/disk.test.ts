import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeBundle } from '../../src/policy/bundle/index.ts'
import { bundleOf, temporaryFolder } from '../app/support.ts'
import type { DiskOrders, DiskReport } from '../crash/disk.ts'

// The engine on a file system of 16 MiB that is mounted for it alone, in a namespace of its own.

async function runOn(how: DiskOrders['how']): Promise<DiskReport> {
  const folder = temporaryFolder()
  const bundle = join(folder, 'policy.bundle')
  writeFileSync(bundle, writeBundle(await bundleOf()))
  const orders: DiskOrders = { folder: join(folder, 'disk'), bundle, how }
  const program = join(import.meta.dirname, '../crash/disk-child.ts')
  const inside = [process.execPath, program, JSON.stringify(orders)]
  const printed = execFileSync('unshare', ['--user', '--map-root-user', '--mount', ...inside], {
    encoding: 'utf8',
    timeout: 110_000,
  })
  return JSON.parse(printed) as DiskReport
}

test.for([
  { how: 'full', failures: 64 },
  { how: 'read-only', failures: 4 },
] as const)(
  'a disk that is $how: no decision without its receipt on disk, nothing acknowledged is lost, and it goes on afterwards',
  async ({ how, failures }) => {
    const report = await runOn(how)
    console.log(JSON.stringify({ ...report, codes: [...new Set(report.codes)] }))
    expect(report.acknowledged).toBe(128)
    expect(report.codes.length).toBeGreaterThanOrEqual(failures)
    expect([...new Set(report.codes)].every((code) => /^[A-Z_]+$/.test(code))).toBe(true)
    expect(report.allowedWhileBroken).toBe(0)
    expect(report.lost).toEqual([])
    expect(report.lying).toBe('self-consistent; key not pinned')
    expect(report.end).toBe('self-consistent; key not pinned')
    expect(report.after).toBe(0)
    if (how === 'read-only') expect(report.listed).toBe(1 + report.acknowledged)
  },
)
