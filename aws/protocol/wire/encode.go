package wire

import (
	"maps"
	"slices"
)

// WriteList writes a list, each element by one of the Writer's methods.
func WriteList[T any](w Writer, list []T, write func(Writer, T)) {
	w.OpenList(len(list))
	for _, v := range list {
		w.Element()
		write(w, v)
	}
	w.CloseList()
}

// WriteStructs writes a list of structures.
func WriteStructs[T any](w Writer, list []T, encode func(*T, Writer)) {
	w.OpenList(len(list))
	for i := range list {
		w.Element()
		encode(&list[i], w)
	}
	w.CloseList()
}

// WriteStrings writes a list of strings.
func WriteStrings(w Writer, list []string) { WriteList(w, list, Writer.String) }

// WriteMap writes a map in the order of its keys.
func WriteMap[T any](w Writer, m map[string]T, write func(Writer, T)) {
	w.OpenMap(len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		w.Key(key)
		write(w, m[key])
	}
	w.CloseMap()
}

// WriteStructMap writes a map of structures in the order of its keys.
func WriteStructMap[T any](w Writer, m map[string]T, encode func(*T, Writer)) {
	WriteMap(w, m, func(w Writer, v T) { encode(&v, w) })
}
