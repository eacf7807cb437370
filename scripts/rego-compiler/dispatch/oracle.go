package dispatch

import (
	"context"
	"errors"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"
)

type oracleResult struct {
	Value    any            `json:"value"`
	Bindings map[string]any `json:"bindings"`
}

type oracleError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// oracle evaluates a query with OPA's top-down evaluator, with all of OPA's built-ins.
func oracle(r *Request) (any, error) {
	modules, ds := parse(r.Files)
	if len(ds) > 0 {
		return diagnosed{sorted(ds)}, nil
	}
	data, err := dataOf(r.Data)
	if err != nil {
		return nil, err
	}
	options := []func(*rego.Rego){
		rego.Query(r.Query),
		rego.Store(inmem.NewFromObject(data)),
		rego.StrictBuiltinErrors(r.Strict),
		rego.SetRegoVersion(ast.RegoV1),
	}
	for _, m := range sortedModules(modules) {
		options = append(options, rego.ParsedModule(m))
	}
	if len(r.Input) > 0 {
		var input any
		if err := util.UnmarshalJSON(r.Input, &input); err != nil {
			return nil, err
		}
		options = append(options, rego.Input(input))
	}
	set, err := rego.New(options...).Eval(context.Background())
	if err != nil {
		return oracleFailure(err), nil
	}
	results := []oracleResult{}
	for _, one := range set {
		results = append(results, oracleResult{one.Expressions[len(one.Expressions)-1].Value, one.Bindings})
	}
	return map[string]any{"results": results}, nil
}

func oracleFailure(err error) any {
	e := oracleError{Code: "error", Message: err.Error()}
	var t *topdown.Error
	if errors.As(err, &t) {
		e.Code, e.Message = t.Code, t.Message
		if t.Location != nil {
			e.File, e.Line, e.Column = t.Location.File, t.Location.Row, t.Location.Col
		}
	}
	return map[string]any{"error": e}
}
