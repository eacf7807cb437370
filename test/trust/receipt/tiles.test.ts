import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openEdge } from '../../../src/trust/receipt/edge.ts'
import { createTree, hashLeaf, inclusionProof } from '../../../src/trust/receipt/merkle.ts'
import type { TileRef } from '../../../src/trust/receipt/tiles.ts'
import {
  decodeBundle,
  encodeBundle,
  growth,
  parseTilePath,
  partialTilesOf,
  tileNodes,
  tilePath,
  tilesOf,
} from '../../../src/trust/receipt/tiles.ts'

// Paths as https://c2sp.org/tlog-tiles gives them, `x001/x234/067` among them.
test.for<[TileRef, string]>([
  [{ kind: 'hashes', level: 0, index: 1234067, width: 256 }, 'tile/0/x001/x234/067'],
  [{ kind: 'hashes', level: 1, index: 0, width: 1 }, 'tile/1/000.p/1'],
  [{ kind: 'entries', index: 999, width: 256 }, 'tile/entries/999'],
  [{ kind: 'entries', index: 1000, width: 255 }, 'tile/entries/x001/000.p/255'],
])('the tile %o lies at %s', ([tile, path]) => {
  expect(tilePath(tile)).toBe(path)
  expect(parseTilePath(path)).toEqual(tile)
})

test.for([
  'checkpoint',
  'tile/0/x000/001',
  'tile/0/000.p/256',
  'tile/0/000.p/0',
  'tile/0/000.p/01',
  'tile/0/1',
  'tile/7/000',
  'tile/00/000',
  'tile/entries/../000',
  'tile/entries/000/',
  'tile/0/000\n',
  '/tile/0/000',
])('%j is no tile', (path) => {
  expect(parseTilePath(path)).toBeNull()
})

test.for([
  { size: 0, paths: [] },
  { size: 1, paths: ['tile/entries/000.p/1', 'tile/0/000.p/1'] },
  { size: 256, paths: ['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1'] },
  {
    size: 257,
    paths: [
      'tile/entries/000',
      'tile/entries/001.p/1',
      'tile/0/000',
      'tile/0/001.p/1',
      'tile/1/000.p/1',
    ],
  },
])('a log of $size has its files', ({ size, paths }) => {
  expect([...tilesOf(size)].map(tilePath)).toEqual(paths)
})

test('what a growth writes and supersedes turns the older files into the newer', () => {
  const sizes = fc.oneof(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 0, max: 70_000 }))
  fc.assert(
    fc.property(sizes, sizes, (a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a]
      const { written, superseded } = growth(from, to)
      const files = new Set([...tilesOf(from)].map(tilePath))
      for (const tile of superseded) expect(files.delete(tilePath(tile))).toBe(true)
      for (const tile of written) files.add(tilePath(tile))
      expect([...files].sort()).toEqual([...tilesOf(to)].map(tilePath).sort())
    }),
    { numRuns: 40 },
  )
})

test('a bundle gives its entries back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 700 }), { minLength: 1, maxLength: 256 }),
      (entries) => {
        expect(decodeBundle(encodeBundle(entries), entries.length)).toEqual(entries)
      },
    ),
    { numRuns: 30 },
  )
})

test('a bundle that is cut, too long, or of another width is refused', () => {
  const bundle = encodeBundle([Uint8Array.of(1, 2), Uint8Array.of()])
  expect([...bundle]).toEqual([0, 2, 1, 2, 0, 0])
  for (const bad of [bundle.slice(0, -1), bundle.slice(0, 3), Uint8Array.of(...bundle, 0)]) {
    expect(() => decodeBundle(bad, 2)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
  }
  for (const width of [0, 1, 3]) {
    expect(() => decodeBundle(bundle, width)).toThrow(
      expect.objectContaining({ code: 'LOG_CORRUPT' }),
    )
  }
  expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(
    expect.objectContaining({ code: 'RECEIPT_TOO_LARGE' }),
  )
})

const COUNT = 66_000 // Past the third level: 257 full tiles.
const tree = createTree()
const tiles = new Map<string, Uint8Array>()
const edge = openEdge(0, () => new Uint8Array())
for (let i = 0; i < COUNT; i++) {
  const leaf = hashLeaf(Uint8Array.of(i >> 16, i >> 8, i))
  tree.append(leaf)
  for (const { tile, bytes } of edge.append(leaf)) tiles.set(tilePath(tile), bytes)
}
for (const { tile, bytes } of edge.partials()) tiles.set(tilePath(tile), bytes)
const read = (tile: TileRef) => tiles.get(tilePath(tile)) ?? new Uint8Array()

test('an edge grows the same tree and the tiles that the layout names', () => {
  expect(edge.root()).toEqual(tree.root())
  const named = [...tilesOf(COUNT)].filter(({ kind }) => kind === 'hashes').map(tilePath)
  expect([...tiles.keys()].sort()).toEqual(named.sort())
  expect(partialTilesOf(COUNT).map(tilePath)).toEqual([
    'tile/entries/257.p/208',
    'tile/0/257.p/208',
    'tile/1/001.p/1',
    'tile/2/000.p/1',
  ])
})

test.for([1, 255, 256, 257, 40_000, 65_535, 65_536, 65_537])(
  'an edge opened at %i from tiles goes on alike',
  (size) => {
    const upTo = (row: TileRef & { kind: 'hashes' }) =>
      new Uint8Array(
        Buffer.concat(
          Array.from({ length: row.width }, (_, i) =>
            tree.node(8 * row.level, row.index * 256 + i),
          ),
        ),
      )
    const opened = openEdge(size, upTo)
    expect(opened.root()).toEqual(tree.root(size))
    for (let i = size; i < size + 300; i++) opened.append(tree.node(0, i))
    expect(opened.root()).toEqual(tree.root(size + 300))
    expect(() => openEdge(size, () => new Uint8Array(1))).toThrow('hashes')
  },
)

test('proofs from tiles are those of the tree', () => {
  const nodes = tileNodes(COUNT, read)
  for (const index of [0, 1, 255, 256, 30_000, 65_535, 65_536, COUNT - 1]) {
    expect(inclusionProof(index, COUNT, nodes)).toEqual(inclusionProof(index, COUNT, tree.node))
  }
  expect(() => nodes(0, COUNT)).toThrow('holds')
})
