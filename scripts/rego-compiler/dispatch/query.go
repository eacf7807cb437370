package dispatch

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// The files that diagnostics of a request's query and imports name. No source can have these names: they end in .rego.
const (
	queryFile  = "query"
	importFile = "import"
)

// question is a query with the imports that it may use.
type question struct {
	body    ast.Body
	imports []*ast.Import
}

// options hand the question to OPA.
func (q question) options(caps *ast.Capabilities) []func(*rego.Rego) {
	return []func(*rego.Rego){
		rego.ParsedQuery(q.body),
		rego.ParsedImports(q.imports),
		rego.Capabilities(caps),
		rego.SetRegoVersion(ast.RegoV1),
	}
}

// refusals lists the built-ins that the query may not call. It may mock what it likes: it is no policy.
func (q question) refusals(a allowance) []Diagnostic {
	g := guard{allowance: a, scope: scopeOf(nil, q.imports), file: queryFile}
	ast.NewGenericVisitor(func(x any) bool {
		g.visit(x, func(w *ast.With) { g.call(w.Value, w.Location) })
		return false
	}).Walk(q.body)
	return g.found
}

func parseQuestion(r *Request, caps *ast.Capabilities) (question, []Diagnostic) {
	imports, ds := parseImports(r.Imports, caps)
	if len(ds) > 0 {
		return question{}, ds
	}
	options := keywordsOf(imports)
	options.Capabilities = caps
	options.SkipRules = true // `x = y` is an expression here.
	statements, _, err := ast.ParseStatementsWithOpts(queryFile, r.Query, options)
	if err != nil {
		return question{}, diagnose(err, queryFile)
	}
	var body ast.Body
	for _, s := range statements {
		b, ok := s.(ast.Body)
		if !ok {
			return question{}, []Diagnostic{at(s.Loc(), codeInvalid, "expected an expression", queryFile)}
		}
		for _, e := range b {
			body.Append(e)
		}
	}
	if len(body) == 0 {
		return question{}, []Diagnostic{at(nil, codeInvalid, "the query is empty", queryFile)}
	}
	return question{body, imports}, nil
}

// parseImports reads each text as what follows the word import. Their number stands in as the line of a diagnostic.
func parseImports(texts []string, caps *ast.Capabilities) ([]*ast.Import, []Diagnostic) {
	const word = "import "
	var out []*ast.Import
	var ds []Diagnostic
	for i, text := range texts {
		place := func(d Diagnostic) Diagnostic {
			d.Line, d.Column = i+1, max(d.Column-len(word), 1)
			return d
		}
		statements, _, err := ast.ParseStatementsWithOpts(importFile, word+text, ast.ParserOptions{
			RegoVersion:  ast.RegoV1,
			Capabilities: caps,
		})
		if err != nil {
			for _, d := range diagnose(err, importFile) {
				ds = append(ds, place(d))
			}
			continue
		}
		one, ok := statements[0].(*ast.Import)
		if !ok || len(statements) > 1 || strings.Contains(text, "\n") {
			message := fmt.Sprintf("expected one import, found %q", text)
			ds = append(ds, place(at(nil, codeInvalid, message, importFile)))
			continue
		}
		out = append(out, one)
	}
	return out, ds
}

// keywordsOf gives the parser what imports such as future.keywords.not and rego.v2 ask for.
func keywordsOf(imports []*ast.Import) ast.ParserOptions {
	options := ast.ParserOptions{RegoVersion: ast.RegoV1}
	for _, i := range imports {
		path, ok := i.Path.Value.(ast.Ref)
		switch {
		case !ok:
		case ast.RegoV2CompatibleRef.Equal(path):
			options.RegoVersion = ast.RegoV2
		case !path.HasPrefix(ast.FutureKeywordsRef):
		case len(path) == len(ast.FutureKeywordsRef):
			options.AllFutureKeywords = true
		default:
			if name, ok := path[len(path)-1].Value.(ast.String); ok {
				options.FutureKeywords = append(options.FutureKeywords, string(name))
			}
		}
	}
	return options
}
