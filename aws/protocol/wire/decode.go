package wire

// Each function reads the next value into *p, which stays as it is when the value is absent or refused.

// ReadOptional reads a scalar member with one of the Reader's methods.
func ReadOptional[T any](r Reader, p **T, read func(Reader) (T, bool)) {
	if v, ok := read(r); ok {
		*p = &v
	}
}

// ReadRequired reads a scalar member that must be there into *p, and clears its bits in *missing when it is.
func ReadRequired[T any](r Reader, p *T, missing *uint64, bits uint64, read func(Reader) (T, bool)) {
	if v, ok := read(r); ok {
		*p = v
		*missing &^= bits
	}
}

// ReadBlob reads a blob member.
func ReadBlob(r Reader, p *[]byte) {
	if v, ok := r.Blob(); ok {
		*p = v
	}
}

// ReadStruct reads a structure member.
func ReadStruct[T any](r Reader, p **T, decode func(*T, Reader)) {
	if r.Null() {
		return
	}
	v := new(T)
	decode(v, r)
	*p = v
}

// ReadStructs reads a list of structures; it is not nil when the list was there.
func ReadStructs[T any](r Reader, p *[]T, decode func(*T, Reader)) {
	if !r.List() {
		return
	}
	list := []T{}
	for r.Element() {
		var v T
		list = append(list, v)
		decode(&list[len(list)-1], r)
	}
	*p = list
}

// ReadScalars reads a list of scalars; it is not nil when the list was there.
func ReadScalars[T any](r Reader, p *[]T, read func(Reader) (T, bool)) {
	if !r.List() {
		return
	}
	list := []T{}
	for r.Element() {
		if v, ok := read(r); ok {
			list = append(list, v)
		}
	}
	*p = list
}

// ReadScalarMap reads a map of scalars; it is not nil when the map was there.
func ReadScalarMap[T any](r Reader, p *map[string]T, read func(Reader) (T, bool)) {
	if !r.Map() {
		return
	}
	m := map[string]T{}
	for {
		name, ok := r.Member()
		if !ok {
			break
		}
		key := string(name)
		if v, ok := read(r); ok {
			m[key] = v
		}
	}
	*p = m
}

// ReadStructMap reads a map of structures; it is not nil when the map was there.
func ReadStructMap[T any](r Reader, p *map[string]T, decode func(*T, Reader)) {
	if !r.Map() {
		return
	}
	m := map[string]T{}
	for {
		name, ok := r.Member()
		if !ok {
			break
		}
		key := string(name)
		if r.Null() {
			continue
		}
		var v T
		decode(&v, r)
		m[key] = v
	}
	*p = m
}

// ReadListMap reads a map whose values are lists of scalars, such as the endpoints of a Kafka cluster.
func ReadListMap[T any](r Reader, p *map[string][]T, read func(Reader) (T, bool)) {
	if !r.Map() {
		return
	}
	m := map[string][]T{}
	for {
		name, ok := r.Member()
		if !ok {
			break
		}
		key := string(name)
		var v []T
		ReadScalars(r, &v, read)
		if v != nil {
			m[key] = v
		}
	}
	*p = m
}
