package signature

// Keys is how many derived keys are kept.
func (v *Verifier) Keys() int { return len(v.keys.kept) }
