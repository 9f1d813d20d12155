package wiretest

import (
	"encoding/base64"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// LikeJSON reads a document in CBOR as what encoding/json would make of the same in JSON. A second has so many units. It panics at
// what is no CBOR, and at what an AWS client could not read.
func LikeJSON(document []byte, units float64) any {
	switch document[0] >> 5 {
	case 4:
		list := []any{}
		for _, element := range parsed[[]cbor.RawMessage](document) {
			list = append(list, LikeJSON(element, units))
		}
		return list
	case 5:
		m := map[string]any{}
		for name, value := range parsed[map[string]cbor.RawMessage](document) {
			m[name] = LikeJSON(value, units)
		}
		return m
	case 6:
		at := parsed[cbor.RawTag](document)
		if at.Number != 1 || units == 1000 && at.Content[0]>>5 > 1 {
			panic(fmt.Sprintf("not a time: %x", document))
		}
		return parsed[float64](at.Content) / units
	}
	switch v := parsed[any](document).(type) {
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	default:
		return v
	}
}

func parsed[T any](document []byte) (v T) {
	if err := cbor.Unmarshal(document, &v); err != nil {
		panic(err)
	}
	return v
}
