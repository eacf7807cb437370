package dispatch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// TestResult is the outcome of one test rule.
type TestResult struct {
	Package    string  `json:"package"`
	Name       string  `json:"name"`
	File       string  `json:"file"`
	Line       int     `json:"line"`
	Outcome    string  `json:"outcome"`
	Message    string  `json:"message,omitempty"`
	Printed    string  `json:"printed,omitempty"`
	DurationMs float64 `json:"duration_ms"`
}

type lines struct {
	Covered []int `json:"covered"`
	Missed  []int `json:"missed"`
}

type coverage struct {
	Percent float64          `json:"percent"`
	Files   map[string]lines `json:"files"`
}

type tested struct {
	Results  []TestResult `json:"results"`
	Coverage coverage     `json:"coverage"`
}

func runTests(r *Request) (any, error) {
	modules, ds := parse(r.Files, sourceCapabilities())
	if len(ds) == 0 {
		ds = inspect(modules, allow(r.HostBuiltins))
	}
	if _, err := regexp.Compile(r.Filter); err != nil {
		ds = append(ds, at(nil, codeInvalid, "the filter is not a regular expression: "+err.Error(), ""))
	}
	if len(ds) > 0 {
		return diagnosed{sorted(ds)}, nil
	}
	data, err := dataOf(r.Data)
	if err != nil {
		return nil, err
	}
	defer forgive(modules)()
	ctx := context.Background()
	store := inmem.NewFromObject(data)
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Abort(ctx, txn)
	covered := cover.New()
	results, err := collect(ctx, r, modules, store, txn, covered)
	if err != nil {
		return nil, err
	}
	return tested{results, linesOf(covered.Report(modules))}, nil
}

func collect(
	ctx context.Context, r *Request, modules map[string]*ast.Module, store storage.Store, txn storage.Transaction, covered *cover.Cover,
) ([]TestResult, error) {
	timeout := time.Duration(r.TimeoutMs) * time.Millisecond
	runner := tester.NewRunner().SetCompiler(newCompiler(sourceCapabilities())).SetStore(store).SetModules(modules).
		CapturePrintOutput(true).RaiseBuiltinErrors(true).SetTimeout(timeout).Filter(r.Filter).SetParallel(1).
		SetDefaultRegoVersion(ast.RegoV1).SetCoverageQueryTracer(&yielding{Cover: covered})
	answers, err := runner.RunTests(ctx, txn)
	if err != nil {
		return nil, err
	}
	out := []TestResult{}
	for a := range answers {
		out = append(out, resultOf(a, r.TimeoutMs))
	}
	slices.SortFunc(out, func(a, b TestResult) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// yielding lets Go's timers run. WebAssembly has one thread and Go cannot interrupt a busy goroutine there, so a
// test's time-out would otherwise be noticed only after the test has ended.
type yielding struct {
	*cover.Cover
	events int
}

const eventsPerYield = 256

func (y *yielding) TraceEvent(e topdown.Event) {
	y.events++
	if y.events%eventsPerYield == 0 {
		runtime.Gosched()
	}
	y.Cover.TraceEvent(e)
}

func resultOf(a *tester.Result, timeoutMs int) TestResult {
	t := TestResult{
		Package:    strings.TrimPrefix(a.Package, "data."),
		Name:       a.Name,
		Printed:    string(a.Output),
		DurationMs: float64(a.Duration.Microseconds()) / 1000,
		Outcome:    "pass",
	}
	if a.Location != nil {
		t.File, t.Line = a.Location.File, a.Location.Row
	}
	switch {
	case a.Skip:
		t.Outcome = "skip"
	case a.Error != nil && topdown.IsCancel(a.Error):
		t.Outcome, t.Message = "error", fmt.Sprintf("the test ran longer than %d ms", timeoutMs)
	case a.Error != nil:
		t.Outcome, t.Message = "error", a.Error.Error()
	case a.Fail:
		t.Outcome = "fail"
	}
	return t
}

// linesOf turns ranges into lists of lines, and leaves test files out: they always run.
func linesOf(report cover.Report) coverage {
	out := coverage{100, map[string]lines{}}
	ran, all := 0, 0
	for name, f := range report.Files {
		if isTestFile(name) {
			continue
		}
		l := lines{spread(f.Covered, nil), nil}
		l.Missed = spread(f.NotCovered, l.Covered)
		out.Files[name] = l
		ran += len(l.Covered)
		all += len(l.Covered) + len(l.Missed)
	}
	if all > 0 {
		out.Percent = 100 * float64(ran) / float64(all)
	}
	return out
}

func spread(ranges []cover.Range, except []int) []int {
	out := []int{}
	for _, r := range ranges {
		for row := r.Start.Row; row <= r.End.Row; row++ {
			if !slices.Contains(out, row) && !slices.Contains(except, row) {
				out = append(out, row)
			}
		}
	}
	slices.Sort(out)
	return out
}

func dataOf(raw json.RawMessage) (map[string]any, error) {
	data := map[string]any{}
	if len(raw) == 0 {
		return data, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		return nil, fmt.Errorf("data is not a JSON object: %w", err)
	}
	if data == nil {
		return nil, errors.New("data is not a JSON object but null")
	}
	return data, nil
}
