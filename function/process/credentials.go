package process

import (
	"time"

	"github.com/millrace/millrace/function"
)

// Credentials are what a function signs its requests with.
type Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// CredentialSource gives out credentials of a function's role, good for as long as given. It is function.ErrRole when the
// role is not to be had.
type CredentialSource interface {
	Credentials(f function.Function, lasts time.Duration) (Credentials, error)
}

// credentialLife is how long they are good: an hour longer than function.EnvironmentLife.
const credentialLife = function.EnvironmentLife + time.Hour

// credentials are those for an instance. Without a source they are placeholders: the account's number is the key, so that a
// client inside the function is taken for the function's own account.
func (e *Executor) credentials(f function.Function) (Credentials, error) {
	if e.source == nil {
		return Credentials{f.Account, placeholderSecret, placeholderSecret}, nil
	}
	return e.source.Credentials(f, credentialLife)
}
