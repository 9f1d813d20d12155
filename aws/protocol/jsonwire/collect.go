package jsonwire

// Each function reads the next value into *p, which stays as it is when the value is absent or refused.

// Optional reads a scalar member with one of the Reader's methods.
func Optional[T any](r *Reader, p **T, read func(*Reader) (T, bool)) {
	if v, ok := read(r); ok {
		*p = &v
	}
}

// Required reads a scalar member that must be there into *p, and clears its bits in *missing when it is.
func Required[T any](r *Reader, p *T, missing *uint64, bits uint64, read func(*Reader) (T, bool)) {
	if v, ok := read(r); ok {
		*p = v
		*missing &^= bits
	}
}

// OptionalBlob reads a blob member.
func OptionalBlob(r *Reader, p *[]byte) {
	if v, ok := r.Blob(); ok {
		*p = v
	}
}

// OptionalStruct reads a structure member.
func OptionalStruct[T any](r *Reader, p **T, decode func(*T, *Reader)) {
	if r.Null() {
		return
	}
	v := new(T)
	decode(v, r)
	*p = v
}

// Structs reads a list of structures; it is not nil when the list was there.
func Structs[T any](r *Reader, p *[]T, decode func(*T, *Reader)) {
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

// Scalars reads a list of scalars; it is not nil when the list was there.
func Scalars[T any](r *Reader, p *[]T, read func(*Reader) (T, bool)) {
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

// ScalarMap reads a map of scalars; it is not nil when the map was there.
func ScalarMap[T any](r *Reader, p *map[string]T, read func(*Reader) (T, bool)) {
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

// StructMap reads a map of structures; it is not nil when the map was there.
func StructMap[T any](r *Reader, p *map[string]T, decode func(*T, *Reader)) {
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

// ListMap reads a map whose values are lists of scalars, such as the endpoints of a Kafka cluster.
func ListMap[T any](r *Reader, p *map[string][]T, read func(*Reader) (T, bool)) {
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
		Scalars(r, &v, read)
		if v != nil {
			m[key] = v
		}
	}
	*p = m
}
