package dispatch

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"
)

// casesMin keeps a change of OPA's test data from emptying the test below.
const casesMin = 1500

// OPA's own conformance suite, as it is with errors raised and in its strict form without: both give the same result
// or both fail. The suite lies in OPA's Go module.
func TestStrictFormAgreesWithOPAOnItsConformanceSuite(t *testing.T) {
	supplyHostBuiltins()
	compared := 0
	for _, c := range conformance(t) {
		modules, ok := comparable(c)
		if !ok {
			continue
		}
		want, wantErr := evaluate(c, modules, true)
		generated, err := strictly(modules)
		if err != nil {
			t.Errorf("%s: %v", c.Note, err)
			continue
		}
		if generated != nil {
			modules[strictFile] = generated
		}
		got, gotErr := evaluate(c, modules, false)
		compared++
		if (wantErr == nil) != (gotErr == nil) || (wantErr == nil && !reflect.DeepEqual(want, got)) {
			t.Errorf("%s: want %v %v, got %v %v", c.Note, want, wantErr, got, gotErr)
		}
	}
	t.Logf("compared %d cases", compared)
	if compared < casesMin {
		t.Errorf("only %d cases", compared)
	}
}

// conformance loads the cases of OPA's own suite.
func conformance(t *testing.T) []cases.TestCase {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/open-policy-agent/opa").Output()
	if err != nil {
		t.Fatal(err)
	}
	return cases.MustLoad(strings.TrimSpace(string(dir)) + "/v1/test/cases/testdata/v1").Sorted().Cases
}

// comparable leaves out the cases whose query itself calls a built-in (only modules are rewritten), those that mock
// built-ins (policies may not), and those that need more than a JSON input.
func comparable(c cases.TestCase) (map[string]*ast.Module, bool) {
	if c.InputTerm != nil || len(c.Env) > 0 || len(c.Modules) == 0 || c.ExperimentalKeywords {
		return nil, false
	}
	files := map[string]string{}
	for i, text := range c.Modules {
		files[fmt.Sprintf("m%d.rego", i)] = text
	}
	modules, ds := parse(files, sourceCapabilities())
	if len(ds) > 0 {
		return nil, false
	}
	query, err := ast.ParseBody(c.Query)
	if err != nil {
		return nil, false
	}
	calls := false
	ast.WalkExprs(query, func(e *ast.Expr) bool {
		calls = calls || (e.IsCall() && !total[e.Operator().String()])
		return false
	})
	var every []string
	for _, b := range ast.Builtins {
		every = append(every, b.Name)
	}
	return modules, !calls && len(refusals(modules, allow(every))) == 0
}

func evaluate(c cases.TestCase, modules map[string]*ast.Module, strict bool) (any, error) {
	data := map[string]any{}
	if c.Data != nil {
		data = *c.Data
	}
	options := []func(*rego.Rego){
		rego.Query(c.Query), rego.Store(inmem.NewFromObject(data)), rego.StrictBuiltinErrors(strict),
		rego.SetRegoVersion(ast.RegoV1),
	}
	for _, m := range sortedModules(modules) {
		options = append(options, rego.ParsedModule(m.Copy()))
	}
	if c.Input != nil {
		options = append(options, rego.Input(*c.Input))
	}
	set, err := rego.New(options...).Eval(context.Background())
	if err != nil {
		return nil, err
	}
	var out []any
	for _, r := range set {
		bindings := map[string]any{}
		for k, v := range r.Bindings {
			bindings[k] = v
		}
		out = append(out, bindings)
	}
	var plain any = out
	return plain, util.RoundTrip(&plain)
}

func supplyHostBuiltins() {
	for _, b := range strictCapabilities().Builtins {
		if !strings.HasPrefix(b.Name, hostPrefix) || ast.BuiltinMap[b.Name] != nil {
			continue
		}
		ast.RegisterBuiltin(b)
		if b.Name == failName {
			topdown.RegisterBuiltinFunc(failName, func(topdown.BuiltinContext, []*ast.Term, func(*ast.Term) error) error {
				return topdown.Halt{Err: errors.New("raised")}
			})
		} else {
			topdown.RegisterBuiltinFunc(b.Name, topdown.GetBuiltin(strings.TrimPrefix(b.Name, hostPrefix)))
		}
	}
}
