package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/compile"
)

type built struct {
	Wasm []byte `json:"wasm"`
	// Plan is RFC 8785 text.
	Plan string `json:"plan"`
}

// build makes OPA's plan of the sources as they are written, and the WebAssembly of their strict form. Test files and
// test rules are in neither unless the request asks for them.
func build(r *Request) (any, error) {
	files := r.Files
	if !r.Tests {
		files = policyFiles(files)
	}
	modules, ds := parse(files, sourceCapabilities())
	if len(ds) > 0 {
		return diagnosed{sorted(ds)}, nil
	}
	if !r.Tests {
		withoutTests(modules)
	}
	if ds := inspect(modules, allow(r.HostBuiltins)); len(ds) > 0 {
		return diagnosed{sorted(ds)}, nil
	}
	entrypoints := slices.Compact(slices.Sorted(slices.Values(r.Entrypoints)))
	if ds := missing(modules, entrypoints); len(ds) > 0 {
		return diagnosed{sorted(ds)}, nil
	}
	b, err := emit(compile.TargetPlan, sourceCapabilities(), modules, entrypoints)
	if err != nil {
		return unbuildable(err)
	}
	plan, err := canonicalPlan(b.PlanModules[0].Raw)
	if err != nil {
		return nil, err
	}
	generated, err := strictly(modules)
	if err != nil {
		return nil, fmt.Errorf("the strict form does not parse: %w", err)
	}
	if generated != nil {
		modules[strictFile] = generated
	}
	b, err = emit(compile.TargetWasm, strictCapabilities(), modules, entrypoints)
	if err != nil {
		return nil, fmt.Errorf("the strict form does not compile: %w", err)
	}
	return built{b.WasmModules[0].Raw, plan}, nil
}

// unbuildable: the planner refuses some policies that the type checker accepts.
func unbuildable(err error) (any, error) {
	return diagnosed{sorted(diagnose(err, ""))}, nil
}

// missing reports entry points that name no rule: OPA would report the first alone, without a place.
func missing(modules map[string]*ast.Module, entrypoints []string) []Diagnostic {
	var ds []Diagnostic
	if len(entrypoints) == 0 {
		ds = append(ds, at(nil, codeInvalid, "no entry point is given", ""))
	}
	rules := map[string]*ast.Rule{}
	for _, m := range sortedModules(modules) {
		for _, rule := range m.Rules {
			path, head := m.Package.Path, rule.Head.Ref().GroundPrefix()
			for n := range head { // p.a[x] := y is found by p and by p.a.
				rules[slashPath(path.Extend(head[:n+1]))] = rule
			}
		}
	}
	for _, e := range entrypoints {
		if rule := rules[e]; rule == nil {
			ds = append(ds, at(nil, codeInvalid, fmt.Sprintf("entry point %s names no rule", e), ""))
		} else if len(rule.Head.Args) > 0 {
			ds = append(ds, at(rule.Location, codeInvalid, fmt.Sprintf("entry point %s is a function", e), ""))
		}
	}
	return ds
}

func slashPath(r ast.Ref) string {
	var parts []string
	for _, t := range r[1:] {
		if s, ok := t.Value.(ast.String); ok {
			parts = append(parts, string(s))
		}
	}
	return strings.Join(parts, "/")
}

// emit compiles for one target; OPA copies the modules before it alters them.
func emit(target string, caps *ast.Capabilities, modules map[string]*ast.Module, entrypoints []string) (*bundle.Bundle, error) {
	in := &bundle.Bundle{Data: map[string]any{}}
	in.SetRegoVersion(ast.RegoV1)
	in.Manifest.Init()
	for _, m := range sortedModules(modules) {
		file := m.Package.Location.File
		// OPA formats the source of what it returns. Nobody reads that here, so it gets the least that parses.
		in.Modules = append(in.Modules, bundle.ModuleFile{
			URL: file, Path: file, Parsed: m.Copy(), Raw: []byte(m.Package.String() + "\n"),
		})
	}
	// Pruning keeps rules that merely depend on an entry point from becoming entry points as well.
	c := compile.New().WithTarget(target).WithCapabilities(caps).WithBundle(in).WithEntrypoints(entrypoints...).
		WithRegoVersion(ast.RegoV1).WithPruneUnused(true).WithEnablePrintStatements(false)
	if err := c.Build(context.Background()); err != nil {
		return nil, err
	}
	return c.Bundle(), nil
}
