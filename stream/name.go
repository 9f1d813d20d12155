package stream

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/arn"
)

// MaxNameLength is the longest name of a stream, in bytes.
const MaxNameLength = 128

// Name names a stream: names are unique in an account and a region, and case counts.
type Name struct {
	Account string // 12 digits
	Region  string
	Name    string // 1 to MaxNameLength of a-z, A-Z, 0-9, '_', '.' and '-'
}

// ARN returns the stream's Amazon Resource Name.
func (n Name) ARN() string { return arn.New("kinesis", n.Region, n.Account, "stream/"+n.Name).String() }

// String returns the ARN, for logs and errors.
func (n Name) String() string { return n.ARN() }

// ParseARN reads the ARN of a stream. The ARN of anything else, a consumer's too, is an error.
func ParseARN(s string) (Name, error) {
	a, err := arn.Parse(s)
	if err != nil {
		return Name{}, err
	}
	name, ok := strings.CutPrefix(a.Resource, "stream/")
	if a.Service != "kinesis" || !ok || !validName(name) || !validAccount(a.Account) || a.Region == "" {
		return Name{}, fmt.Errorf("%q is not the ARN of a stream", s)
	}
	return Name{Account: a.Account, Region: a.Region, Name: name}, nil
}

func validName(s string) bool {
	if s == "" || len(s) > MaxNameLength {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func validAccount(s string) bool { return len(s) == 12 && allDigits(s) }

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
