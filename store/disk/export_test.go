package disk

// Eager returns options under which the engine compacts and rewrites its files whenever that is possible, so that tests
// meet in a moment what takes days otherwise.
func (o Options) Eager() Options {
	o.eager = true
	return o
}
