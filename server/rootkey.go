package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// credentialsFile is where the keys of the accounts are written for who starts the server, in the form of AWS's own tools.
const credentialsFile = "credentials"

// giveRootKeys makes an access key for each account, or finds those there are, and writes them to a file that only the
// server's user can read. It is how the first request can be signed; everything else can be done from there.
func (s *Server) giveRootKeys() error {
	if s.config.Auth == AuthOpen {
		return nil
	}
	var text strings.Builder
	for i, account := range append([]string{s.config.Account}, s.config.Accounts...) {
		id, secret := "", ""
		if i == 0 {
			id, secret = s.config.RootAccessKeyID, s.config.RootSecretAccessKey
		}
		key, err := s.rooms.identities.RootKey(context.Background(), account, id, secret)
		if err != nil {
			return fmt.Errorf("access key of account %s: %w", account, err)
		}
		profile := account
		if i == 0 {
			profile = "default"
			s.rootKeyID, s.rootSecret = key.ID, key.Secret
		}
		fmt.Fprintf(&text, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", profile, key.ID, key.Secret)
	}
	dir := s.config.DataDir
	if s.config.Memory {
		dir = s.scratch.Path()
	}
	path := filepath.Join(dir, credentialsFile)
	// A file of this moment: one that was there may have been readable by others.
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("write access keys: %w", err)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write access keys: %w", err)
	}
	s.log.Info("the accounts' own access keys are in a file", "file", path, "use", "AWS_SHARED_CREDENTIALS_FILE="+path)
	return nil
}

// RootKey returns the access key of Config.Account, which is empty in the mode AuthOpen: there any will do.
func (s *Server) RootKey() (id, secret string) { return s.rootKeyID, s.rootSecret }
