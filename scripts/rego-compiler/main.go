//go:build wasip1

// Command rego-compiler is OPA's compiler as a WebAssembly reactor: the host calls _initialize once, then for each
// request rego_alloc, writes the request's JSON into the returned memory, and calls rego_call.
package main

import (
	"unsafe"

	"countersign.dev/rego-compiler/dispatch"
)

// Go's collector may not free these while the host reads or writes them, so they stay reachable between calls.
var request, answer []byte

// alloc gives the host a buffer of n bytes for the next request.
//
//go:wasmexport rego_alloc
func alloc(n uint32) unsafe.Pointer {
	request = make([]byte, n+1) // One more, so that an empty request has an address too.
	return unsafe.Pointer(&request[0])
}

// call runs the request of n bytes and returns the address of the answer; rego_length gives its length.
//
//go:wasmexport rego_call
func call(n uint32) unsafe.Pointer {
	answer = append(dispatch.Dispatch(request[:n]), 0)
	request = nil
	return unsafe.Pointer(&answer[0])
}

//go:wasmexport rego_length
func length() uint32 { return uint32(len(answer) - 1) }

func main() {}
