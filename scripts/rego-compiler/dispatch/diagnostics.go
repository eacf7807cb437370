package dispatch

import (
	"cmp"
	"errors"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

const (
	codeInvalid = "REGO_INVALID"
	codeRefused = "REGO_BUILTIN_REFUSED"
)

// Diagnostic is one complaint; rows and columns count from 1.
type Diagnostic struct {
	Code string `json:"code"`
	// Severity is "warning", or left out: whatever has none stops a build.
	Severity string `json:"severity,omitempty"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

type diagnosed struct {
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// diagnose turns OPA's errors into diagnostics; fallback is the file of an error that names none.
func diagnose(err error, fallback string) []Diagnostic {
	var many ast.Errors
	if errors.As(err, &many) {
		out := make([]Diagnostic, 0, len(many))
		for _, e := range many {
			out = append(out, at(e.Location, codeInvalid, message(e), fallback))
		}
		return out
	}
	var one *ast.Error
	if errors.As(err, &one) {
		return []Diagnostic{at(one.Location, codeInvalid, message(one), fallback)}
	}
	return []Diagnostic{at(nil, codeInvalid, err.Error(), fallback)}
}

// message keeps OPA's code and words, and the details that say which types it found.
func message(e *ast.Error) string {
	text := e.Code + ": " + e.Message
	if e.Details == nil || e.Code == ast.ParseErr {
		return text // A parse error's details repeat the source line with a caret.
	}
	for _, line := range e.Details.Lines() {
		text += "\n" + line
	}
	return text
}

func at(loc *ast.Location, code, message, fallback string) Diagnostic {
	d := Diagnostic{Code: code, File: fallback, Line: 1, Column: 1, Message: message}
	if loc != nil {
		if loc.File != "" {
			d.File = loc.File
		}
		d.Line, d.Column = max(loc.Row, 1), max(loc.Col, 1)
	}
	return d
}

// sorted orders by place and drops doubles: OPA reports some errors once for each copy of a rule.
func sorted(ds []Diagnostic) []Diagnostic {
	slices.SortFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	ds = slices.Compact(ds)
	if ds == nil {
		return []Diagnostic{}
	}
	return ds
}
