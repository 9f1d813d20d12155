package remote

import (
	"fmt"
	"net/url"
	"regexp"
)

// Variable is the environment variable that says where a function lives.
const Variable = "MILLRACE_FUNCTION_URL"

// target is where a function lives.
type target struct {
	url string
	// invokes says that an Invoke operation answers there, not the function itself.
	invokes bool
	// region is set when AWS's own Lambda answers there, which wants requests to be signed.
	region string
}

var (
	// platformType is the form of the types of errors that the platform knows.
	platformType = regexp.MustCompile(`^(?:Runtime|Function|Sandbox)\.[A-Z][A-Za-z]+$`)
	invokePath   = regexp.MustCompile(`^/2015-03-31/functions/[^/]+/invocations$`)
	awsHost      = regexp.MustCompile(`^lambda(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$`)
)

// parse reads the value of Variable.
func parse(text string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("%s is no URL: %w", Variable, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return target{}, fmt.Errorf("%s must begin with http:// or https:// and name a host: %q", Variable, u.Redacted())
	}
	t := target{url: text, invokes: invokePath.MatchString(u.EscapedPath())}
	if m := awsHost.FindStringSubmatch(u.Hostname()); m != nil {
		t.region = m[1]
		if u.Scheme != "https" || !t.invokes {
			return target{}, fmt.Errorf("%s at AWS must be https://%s/2015-03-31/functions/NAME/invocations", Variable, u.Host)
		}
	}
	return t, nil
}
