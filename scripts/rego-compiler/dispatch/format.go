package dispatch

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

type formatted struct {
	Files map[string]string `json:"files"`
}

// formatFiles formats as `opa fmt` does; one file that does not parse leaves all of them alone.
func formatFiles(r *Request) any {
	out := map[string]string{}
	var ds []Diagnostic
	for _, name := range regoNames(r.Files) {
		b, err := format.SourceWithOpts(name, []byte(r.Files[name]), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			ds = append(ds, diagnose(err, name)...)
			continue
		}
		out[name] = string(b)
	}
	if len(ds) > 0 {
		return diagnosed{sorted(ds)}
	}
	return formatted{out}
}
