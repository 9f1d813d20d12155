package function

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/arn"
)

// Latest is the qualifier of a function's unpublished self, and its version.
const Latest = "$LATEST"

// MaxNameLength bounds the name of a new function, in characters.
const MaxNameLength = 64

// Name says which function is meant, in the whole house. It is comparable.
type Name struct{ Account, Region, Name string }

// ARN returns the unqualified name that AWS uses.
func (n Name) ARN() string {
	return arn.New("lambda", n.Region, n.Account, "function:"+n.Name).String()
}

// Ref is a function as a request refers to it: with a qualifier, or with none.
type Ref struct {
	Name
	// Qualifier is "", Latest, or the name of a version or alias.
	Qualifier string
}

// ARN returns the name with the qualifier, if one was given.
func (r Ref) ARN() string {
	if r.Qualifier == "" {
		return r.Name.ARN()
	}
	return r.Name.ARN() + ":" + r.Qualifier
}

// InvokedARN returns the name as a missing function is reported to who invoked it: always with a qualifier.
func (r Ref) InvokedARN() string {
	if r.Qualifier == "" {
		r.Qualifier = Latest
	}
	return r.ARN()
}

// With returns the reference with the qualifier that was given beside it, which must not differ from one that it has.
func (r Ref) With(qualifier string) (Ref, error) {
	if qualifier == "" {
		return r, nil
	}
	if r.Qualifier != "" && r.Qualifier != qualifier {
		return Ref{}, ErrQualifierMismatch
	}
	r.Qualifier = qualifier
	return r, nil
}

// reference matches NAME, NAME:QUALIFIER, ACCOUNT:function:NAME and whole ARNs, the last two with a qualifier or
// without. The groups are partition, region, account, name and qualifier.
var reference = regexp.MustCompile(`^(?:arn:(aws[a-zA-Z-]*):lambda:)?` +
	`(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?` +
	`([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$`)

// ParseRef reads a function's name in any of the forms that requests may use. What the text leaves out is the caller's:
// account and region. A function elsewhere is a *WrongRegionError or ErrWrongAccount; a text that is no name an error
// that says so.
func ParseRef(s, account, region string) (Ref, error) {
	m := reference.FindStringSubmatch(s)
	if m == nil || strings.HasSuffix(s, "\n") {
		return Ref{}, fmt.Errorf("%q does not name a function", s)
	}
	if m[2] != "" && m[2] != region {
		return Ref{}, &WrongRegionError{Region: m[2], Here: region}
	}
	if m[3] != "" && m[3] != account {
		return Ref{}, ErrWrongAccount
	}
	if m[1] != "" && m[1] != arn.Partition(region) {
		return Ref{}, fmt.Errorf("%q is of another partition", s)
	}
	return Ref{Name: Name{Account: account, Region: region, Name: m[4]}, Qualifier: m[5]}, nil
}
