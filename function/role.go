package function

import "errors"

// ErrRole says that a function's role is not there, or does not let Lambda act in its name.
var ErrRole = errors.New("role cannot be assumed")

// Roles knows the roles that functions run as.
type Roles interface {
	// Assumable reports whether a function of the account may have the role, by its ARN.
	Assumable(account, role string) bool
}

// checkRole is ErrRole for a role that a function cannot have. Without Roles all can be had.
func (s *Service) checkRole(account, role string) error {
	if s.roles != nil && !s.roles.Assumable(account, role) {
		return ErrRole
	}
	return nil
}
