package function

// ledger counts what runs against the limits of concurrency. The pool's mutex guards it.
//
// What is claimed is not for everybody: reservations, and the provisioned concurrency of functions that have no
// reservation; with one it lies within it. An invocation that takes a provisioned environment uses what is claimed
// already. All others are on demand: those of a function with a reservation use what of it is not provisioned, the others
// share what nobody claims.
type ledger struct {
	concurrency int // of an account in a region
	functions   map[Name]*functionAccount
	scopes      map[scope]*scopeAccount
}

// functionAccount is what is counted of one function.
type functionAccount struct {
	running     int // environments in the phases busy and settling
	onDemand    int // those of them that are not provisioned
	reserved    int // the reservation, if there is one
	hasReserved bool
	provisioned int // the sum of what is asked for
}

// claim returns what of the account's concurrency is the function's alone.
func (f *functionAccount) claim() int {
	if f.hasReserved {
		return f.reserved
	}
	return f.provisioned
}

// scopeAccount is what is counted of all functions of an account in a region.
type scopeAccount struct {
	running int
	shared  int // running on demand, of functions without a reservation
	claimed int
}

func newLedger(concurrency int) *ledger {
	return &ledger{concurrency: concurrency, functions: make(map[Name]*functionAccount), scopes: make(map[scope]*scopeAccount)}
}

func (n Name) scope() scope { return scope{n.Account, n.Region} }

// accounts returns what is counted of a function, which is made if nothing is.
func (l *ledger) accounts(name Name) (*functionAccount, *scopeAccount) {
	f, s := l.functions[name], l.scopes[name.scope()]
	if f == nil {
		f = &functionAccount{}
		l.functions[name] = f
	}
	if s == nil {
		s = &scopeAccount{}
		l.scopes[name.scope()] = s
	}
	return f, s
}

// tidy forgets a function of which nothing is counted.
func (l *ledger) tidy(name Name) {
	if f := l.functions[name]; f != nil && *f == (functionAccount{}) {
		delete(l.functions, name)
	}
	if s := l.scopes[name.scope()]; s != nil && *s == (scopeAccount{}) {
		delete(l.scopes, name.scope())
	}
}

// exhausted returns which limit a further invocation on demand would break, if one. A function with a reservation has
// just that, whatever others do.
func (l *ledger) exhausted(name Name) ThrottleReason {
	f, s := l.accounts(name)
	defer l.tidy(name)
	switch {
	case f.hasReserved && f.onDemand >= f.reserved-f.provisioned:
		return ReservedInvocations
	case !f.hasReserved && s.shared >= l.concurrency-s.claimed:
		return ConcurrentInvocations
	}
	return ""
}

// claim says what a function has reserved, nil for nothing, and provisioned. Invocations under way count where they would
// begin now.
func (l *ledger) claim(name Name, reserved *int, provisioned int) {
	f, s := l.accounts(name)
	s.claimed -= f.claim()
	if !f.hasReserved {
		s.shared -= f.onDemand
	}
	f.provisioned, f.hasReserved, f.reserved = provisioned, reserved != nil, 0
	if reserved != nil {
		f.reserved = *reserved
	} else {
		s.shared += f.onDemand
	}
	s.claimed += f.claim()
	l.tidy(name)
}

// count notes that an environment has begun or ended to be at work.
func (l *ledger) count(name Name, provisioned bool, n int) {
	f, s := l.accounts(name)
	f.running += n
	s.running += n
	if !provisioned {
		f.onDemand += n
		if !f.hasReserved {
			s.shared += n
		}
	}
	l.tidy(name)
}

// unclaimed returns how much of an account's concurrency is for everybody.
func (l *ledger) unclaimed(of scope) int {
	if s := l.scopes[of]; s != nil {
		return l.concurrency - s.claimed
	}
	return l.concurrency
}

// concurrent returns how many environments of a function, and of its account, are at work.
func (l *ledger) concurrent(name Name) (own, all int) {
	f, s := l.accounts(name)
	own, all = f.running, s.running
	l.tidy(name)
	return own, all
}
