// Command go-verify checks a log folder with the transparency community's own Go libraries and none of our code.
//
// Usage: go-verify LOG VERIFIER-KEY PROOFS OLDER-CHECKPOINT
//
//	go-verify cosign WITNESS-NAME CHECKPOINT
//	go-verify witnessed VERIFIER-KEY WITNESS-KEY CHECKPOINT
//
// The second makes a witness with a fixed key that signs a checkpoint (cosignature/v1): it prints the witness's verifier
// key and its signature line. The third verifies a cosigned checkpoint and prints when the witness signed.
//
// PROOFS is a folder of N.tlog-proof files beside N.entry files. Anything that does not hold ends in exit code 1.
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/log"
	cosignote "github.com/transparency-dev/formats/note"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "cosign" {
		cosign(os.Args[2], read(os.Args[3]))
		return
	}
	if len(os.Args) == 5 && os.Args[1] == "witnessed" {
		witnessed(os.Args[2], os.Args[3], read(os.Args[4]))
		return
	}
	if len(os.Args) != 5 {
		fail("usage: go-verify LOG VERIFIER-KEY PROOFS OLDER-CHECKPOINT")
	}
	dir := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	check("verifier key", err)
	checkpoint := openCheckpoint(read(filepath.Join(dir, "checkpoint")), verifier)
	older := openCheckpoint(read(os.Args[4]), verifier)
	checkEntries(dir, checkpoint)
	checkTiles(dir, checkpoint)
	checkConsistency(dir, older, checkpoint)
	checkProofs(os.Args[3], verifier)
	fmt.Printf("size %d ok\n", checkpoint.Size)
}

func cosign(name string, raw []byte) {
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	plain, err := note.NewEd25519VerifierKey(name, public)
	check("witness key", err)
	witness, err := cosignote.VKeyToCosignatureV1(plain)
	check("witness key", err)
	typed := base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
	signer, err := cosignote.NewSignerForCosignatureV1("PRIVATE+KEY+" + name + "+00000000+" + typed)
	check("witness", err)
	text, _, _ := bytes.Cut(raw, []byte("\n\n"))
	signed, err := note.Sign(&note.Note{Text: string(text) + "\n"}, signer)
	check("cosign", err)
	_, line, _ := bytes.Cut(signed, []byte("\n\n"))
	fmt.Printf("%s\n%s", witness, line)
}

func witnessed(logKey, witnessKey string, raw []byte) {
	verifier, err := note.NewVerifier(logKey)
	check("verifier key", err)
	witness, err := cosignote.NewVerifierForCosignatureV1(witnessKey)
	check("witness key", err)
	opened, err := note.Open(raw, note.VerifierList(verifier, witness))
	check("note", err)
	if len(opened.Sigs) != 2 || len(opened.UnverifiedSigs) != 0 {
		fail("expected the signatures of the log and of its witness")
	}
	at, err := cosignote.CoSigV1Timestamp(opened.Sigs[1])
	check("time", err)
	fmt.Println(at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// openCheckpoint verifies the note twice: x/mod reads any note, formats reads a checkpoint.
func openCheckpoint(raw []byte, verifier note.Verifier) *log.Checkpoint {
	opened, err := note.Open(raw, note.VerifierList(verifier))
	check("note", err)
	if len(opened.Sigs) != 1 || len(opened.UnverifiedSigs) != 0 {
		fail("expected one signature")
	}
	checkpoint, _, _, err := log.ParseCheckpoint(raw, verifier.Name(), verifier)
	check("checkpoint", err)
	return checkpoint
}

// checkEntries rebuilds the root from the entry bundles alone.
func checkEntries(dir string, checkpoint *log.Checkpoint) {
	fetcher := &client.FileFetcher{Root: dir}
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for index := uint64(0); index*256 < checkpoint.Size; index++ {
		bundle, err := client.GetEntryBundle(context.Background(), fetcher.ReadEntryBundle, index, checkpoint.Size)
		check("entry bundle", err)
		for _, entry := range bundle.Entries {
			check("append", tree.Append(rfc6962.DefaultHasher.HashLeaf(entry), nil))
		}
	}
	root, err := tree.GetRootHash(nil)
	check("root", err)
	if tree.End() != checkpoint.Size || !bytes.Equal(root, checkpoint.Hash) {
		fail("the entries do not hash to the checkpoint's root")
	}
}

// checkTiles proves every entry out of the hash tiles, by two tile readers that know nothing of each other.
func checkTiles(dir string, checkpoint *log.Checkpoint) {
	ctx := context.Background()
	fetcher := &client.FileFetcher{Root: dir}
	builder, err := client.NewProofBuilder(ctx, checkpoint.Size, fetcher.ReadTile)
	check("proof builder", err)
	tree := tlog.Tree{N: int64(checkpoint.Size)}
	copy(tree.Hash[:], checkpoint.Hash)
	reader := tlog.TileHashReader(tree, tileReader{dir})
	for index := uint64(0); index < checkpoint.Size; index++ {
		bundle, err := client.GetEntryBundle(ctx, fetcher.ReadEntryBundle, index/256, checkpoint.Size)
		check("entry bundle", err)
		entry := bundle.Entries[index%256]
		path, err := builder.InclusionProof(ctx, index)
		check("inclusion proof", err)
		leaf := rfc6962.DefaultHasher.HashLeaf(entry)
		check("inclusion", proof.VerifyInclusion(rfc6962.DefaultHasher, index, checkpoint.Size, leaf, path, checkpoint.Hash))
		record, err := tlog.ProveRecord(tree.N, int64(index), reader)
		check("record proof", err)
		check("record", tlog.CheckRecord(record, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}
}

func checkConsistency(dir string, older, newer *log.Checkpoint) {
	ctx := context.Background()
	fetcher := &client.FileFetcher{Root: dir}
	builder, err := client.NewProofBuilder(ctx, newer.Size, fetcher.ReadTile)
	check("proof builder", err)
	hashes, err := builder.ConsistencyProof(ctx, older.Size, newer.Size)
	check("consistency proof", err)
	check("consistency", proof.VerifyConsistency(rfc6962.DefaultHasher, older.Size, newer.Size, hashes, older.Hash, newer.Hash))
}

func checkProofs(dir string, verifier note.Verifier) {
	names, err := filepath.Glob(filepath.Join(dir, "*.tlog-proof"))
	check("proofs", err)
	if len(names) == 0 {
		fail("expected proofs")
	}
	for _, name := range names {
		var parsed tlogproof.TLogProof
		check(name, parsed.Unmarshal(read(name)))
		checkpoint := openCheckpoint(parsed.Checkpoint, verifier)
		var hashes [][]byte
		for i := range parsed.Hashes {
			hashes = append(hashes, parsed.Hashes[i][:])
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(read(strings.TrimSuffix(name, ".tlog-proof") + ".entry"))
		check(name, proof.VerifyInclusion(rfc6962.DefaultHasher, parsed.Index, checkpoint.Size, leaf, hashes, checkpoint.Hash))
	}
}

// tileReader gives x/mod the files of a C2SP tlog-tiles log, whose paths leave the tile height out.
type tileReader struct{ dir string }

func (tileReader) Height() int { return 8 }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		data, err := os.ReadFile(filepath.Join(r.dir, path))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check("read", err)
	return data
}

func check(what string, err error) {
	if err != nil {
		fail(fmt.Sprintf("%s: %v", what, err))
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
