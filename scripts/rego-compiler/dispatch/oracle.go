package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"
)

type oracleResult struct {
	Value    any            `json:"value"`
	Bindings map[string]any `json:"bindings"`
	// Term and BindingTerms are the same as Rego writes them.
	Term         string            `json:"term,omitempty"`
	BindingTerms map[string]string `json:"binding_terms,omitempty"`
}

// oracleAnswer is either the results or the error.
type oracleAnswer struct {
	Results []oracleResult `json:"results,omitzero"`
	Error   *oracleError   `json:"error,omitempty"`
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
	caps := sourceCapabilities(ast.CapabilitiesExperimentalKeywords(r.ExperimentalKeywords))
	modules, ds := parse(r.Files, caps)
	q, more := parseQuestion(r, caps)
	if ds = slices.Concat(ds, more, laxProblems(modules)); len(ds) > 0 {
		return diagnosed{sorted(ds)}, nil
	}
	inputs, err := inputsOf(r)
	if err != nil {
		return nil, err
	}
	data, err := dataOf(r.Data)
	if err != nil {
		return nil, err
	}
	options := append(q.options(caps),
		rego.Store(inmem.NewFromObject(data)),
		rego.StrictBuiltinErrors(r.Strict),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t, nil }),
	)
	for _, m := range sortedModules(modules) {
		options = append(options, rego.ParsedModule(m))
	}
	defer forgive(modules)()
	prepared, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		return oracleFailure(err), nil
	}
	answers := make([]oracleAnswer, 0, len(inputs))
	for _, input := range inputs {
		a, err := answerOf(prepared, input, r.Terms)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	if r.Inputs == nil {
		return answers[0], nil
	}
	return map[string]any{"answers": answers}, nil
}

// inputsOf reads the inputs with all of their digits. One that is nil stays undefined.
func inputsOf(r *Request) ([]ast.Value, error) {
	texts := []json.RawMessage{r.Input}
	if r.Inputs != nil {
		texts = nil
		for _, text := range r.Inputs {
			if text == nil {
				texts = append(texts, nil)
			} else {
				texts = append(texts, json.RawMessage(*text))
			}
		}
	}
	out := make([]ast.Value, len(texts))
	for i, text := range texts {
		if text == nil {
			continue
		}
		var plain any
		if err := util.UnmarshalJSON(text, &plain); err != nil {
			return nil, fmt.Errorf("input %d is not JSON: %w", i, err)
		}
		v, err := ast.InterfaceToValue(plain)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func answerOf(prepared rego.PreparedEvalQuery, input ast.Value, terms bool) (oracleAnswer, error) {
	var options []rego.EvalOption
	if input != nil {
		options = append(options, rego.EvalParsedInput(input))
	}
	set, err := prepared.Eval(context.Background(), options...)
	if err != nil {
		return oracleFailure(err), nil
	}
	results := []oracleResult{}
	for _, one := range set {
		result, err := resultsOf(one, terms)
		if err != nil {
			return oracleAnswer{}, err
		}
		results = append(results, result)
	}
	return oracleAnswer{Results: results}, nil
}

func resultsOf(one rego.Result, terms bool) (oracleResult, error) {
	out := oracleResult{Bindings: map[string]any{}}
	value, err := plainOf(one.Expressions[len(one.Expressions)-1].Value)
	if err != nil {
		return out, err
	}
	out.Value = value.json
	if terms {
		out.Term, out.BindingTerms = value.text, map[string]string{}
	}
	for k, v := range one.Bindings {
		bound, err := plainOf(v)
		if err != nil {
			return out, err
		}
		out.Bindings[k] = bound.json
		if terms {
			out.BindingTerms[k] = bound.text
		}
	}
	return out, nil
}

type plain struct {
	json any
	text string
}

// plainOf takes a term, or the true that OPA gives for an expression without a value.
func plainOf(v any) (plain, error) {
	t, ok := v.(*ast.Term)
	if !ok {
		return plain{v, fmt.Sprint(v)}, nil
	}
	j, err := ast.JSONWithOpt(t.Value, ast.JSONOpt{SortSets: true})
	return plain{j, t.String()}, err
}

func oracleFailure(err error) oracleAnswer {
	e := oracleError{Code: "error", Message: err.Error()}
	var t *topdown.Error
	if errors.As(err, &t) {
		e.Code, e.Message = t.Code, t.Message
		if t.Location != nil {
			e.File, e.Line, e.Column = t.Location.File, t.Location.Row, t.Location.Col
		}
	}
	return oracleAnswer{Error: &e}
}
