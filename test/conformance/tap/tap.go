// Package tap writes the Test Anything Protocol, https://testanything.org, for the programs of runtime-tools: it has what they
// call of github.com/mndrix/tap-go, which Debian lacks, and stands in its place when they are built.
package tap

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// T is one stream of test points on standard output.
type T struct {
	count  *int
	isTodo bool
}

// New makes a stream that has no point yet.
func New() *T {
	return &T{count: new(int)}
}

// Header begins the stream; the plan comes with it when the number of points is known, and is 0 otherwise.
func (t *T) Header(points int) {
	fmt.Println("TAP version 13")
	if points > 0 {
		fmt.Printf("1..%d\n", points)
	}
}

// AutoPlan ends the stream with the plan: as many points as there were.
func (t *T) AutoPlan() {
	fmt.Printf("1..%d\n", *t.count)
}

// Ok is a point that passes when the condition holds.
func (t *T) Ok(condition bool, description string) {
	*t.count++
	verdict := "ok"
	if !condition {
		verdict = "not ok"
	}
	// A hash would begin a directive, and a point is one line.
	description = strings.NewReplacer("#", "\\#", "\n", " ").Replace(description)
	directive := ""
	if t.isTodo {
		directive = " # TODO"
	}
	fmt.Printf("%s %d - %s%s\n", verdict, *t.count, description, directive)
}

// Pass is a point that passes.
func (t *T) Pass(description string) {
	t.Ok(true, description)
}

// Fail is a point that fails.
func (t *T) Fail(description string) {
	t.Ok(false, description)
}

// Skip stands for points that this host cannot have.
func (t *T) Skip(points int, reason string) {
	for i := 0; i < points; i++ {
		*t.count++
		fmt.Printf("ok %d # SKIP %s\n", *t.count, strings.ReplaceAll(reason, "\n", " "))
	}
}

// Todo is the same stream, its points marked as ones that nobody can pass yet.
func (t *T) Todo() *T {
	return &T{count: t.count, isTodo: true}
}

// Diagnostic is a comment for people.
func (t *T) Diagnostic(message string) {
	fmt.Println("# " + strings.ReplaceAll(message, "\n", "\n# "))
}

// Diagnosticf is Diagnostic with a format.
func (t *T) Diagnosticf(format string, values ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, values...))
}

// YAML says more of the point before; JSON is YAML, too.
func (t *T) YAML(message interface{}) error {
	text, err := json.MarshalIndent(message, "  ", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "  ---\n  %s\n  ...\n", text)
	return err
}
