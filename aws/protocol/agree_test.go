package protocol_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/protocol/cborwire"
	"github.com/millrace/millrace/aws/protocol/jsonwire"
	"github.com/millrace/millrace/aws/protocol/wire"
	"github.com/millrace/millrace/aws/sqs"
	"github.com/millrace/millrace/aws/wiretest"
)

// shapes lists the inputs and outputs of all operations: what they hold are the other shapes.
func shapes() (inputs, outputs []reflect.Type) {
	for _, operations := range []reflect.Type{
		reflect.TypeFor[kinesis.Operations](), reflect.TypeFor[lambda.Operations](), reflect.TypeFor[sqs.Operations](),
	} {
		for method := range operations.Methods() {
			inputs = append(inputs, method.Type.In(1).Elem())
			if method.Type.NumOut() == 2 && method.Type.Out(0).Kind() == reflect.Pointer {
				outputs = append(outputs, method.Type.Out(0).Elem())
			}
		}
	}
	return inputs, append(outputs, reflect.TypeFor[kinesis.SubscribeToShardEvent]())
}

var (
	typeTime  = reflect.TypeFor[time.Time]()
	typeBytes = reflect.TypeFor[[]byte]()
)

// TestOutputsAgree writes random values of every output in both encodings and reads them with other readers.
func TestOutputsAgree(t *testing.T) {
	_, outputs := shapes()
	random := rand.New(rand.NewPCG(1, 2))
	for _, shape := range outputs {
		for range 40 {
			v := reflect.New(shape)
			fill(random, v.Elem(), 0)
			out := v.Interface().(wire.Encoder)
			var fromJSON any
			text := protocol.EncodingJSON.Append(nil, out)
			if err := json.Unmarshal(text, &fromJSON); err != nil {
				t.Fatal(shape, err)
			}
			if got := wiretest.LikeJSON(protocol.EncodingCBOR.Append(nil, out), 1000); !reflect.DeepEqual(got, fromJSON) {
				t.Fatalf("%s\nCBOR %v\nJSON %s", shape, got, text)
			}
			if got := wiretest.LikeJSON(protocol.EncodingRPC.Append(nil, out), 1); !reflect.DeepEqual(got, fromJSON) {
				t.Fatalf("%s\nrpc-v2-cbor %v\nJSON        %s", shape, got, text)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fill sets a value at random, with absent members here and there.
func fill(random *rand.Rand, v reflect.Value, depth int) {
	switch {
	case v.Type() == typeTime:
		v.Set(reflect.ValueOf(time.UnixMilli(random.Int64N(4e12)).UTC()))
		return
	case v.Type() == typeBytes:
		v.SetBytes(fmt.Append([]byte{0xff}, random.Uint64()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && random.IntN(4) > 0 {
				fill(random, v.Field(i), depth)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, v.Elem(), depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(3), 3))
		for i := range v.Len() {
			fill(random, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range random.IntN(3) {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(random, value, depth+1)
			v.SetMapIndex(reflect.ValueOf(word(random)), value)
		}
	case reflect.String:
		v.SetString(word(random))
	case reflect.Int, reflect.Int64:
		v.SetInt(random.Int64N(1<<31) >> random.IntN(31))
	case reflect.Float64:
		v.SetFloat(random.NormFloat64())
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	default:
		panic(v.Type())
	}
}

func word(random *rand.Rand) string {
	return []string{"", "a", "é\n\"", "😀", "yes", "YQ==", "shardId-000000000000", "\x00"}[random.IntN(8)]
}

// TestInputsAgree reads random documents, of which some have values of wrong types, in both encodings.
func TestInputsAgree(t *testing.T) {
	inputs, _ := shapes()
	random := rand.New(rand.NewPCG(3, 4))
	for _, shape := range inputs {
		offences := 0
		for range 100 {
			asJSON, asCBOR := document(random, shape)
			text := must(json.Marshal(asJSON))
			first := reflect.New(shape).Interface()
			want := decode(t, jsonwire.NewReader(text), first)
			for _, indefinite := range []bool{false, true} {
				document := encode(nil, asCBOR, indefinite)
				again := reflect.New(shape).Interface()
				got := decode(t, cborwire.NewReader(document, cborwire.Milliseconds), again)
				if want != got || !reflect.DeepEqual(first, again) {
					t.Fatalf("%s %s %x\nJSON %q %+v\nCBOR %q %+v", shape, text, document, want, first, got, again)
				}
			}
			if want != "" {
				offences++
			}
		}
		if offences == 100 {
			t.Errorf("%s: all documents are wrong", shape)
		}
	}
}

func decode(t *testing.T, doc wire.Document, in any) (offence string) {
	t.Helper()
	in.(protocol.Input).Decode(doc)
	doc.End()
	if doc.Malformed() {
		t.Fatalf("%T: malformed", in)
	}
	offence, _ = doc.Offence()
	return offence
}

// document makes a random value for a member of a type, as encoding/json and as the CBOR library want it.
func document(random *rand.Rand, of reflect.Type) (asJSON, asCBOR any) {
	if random.IntN(40) == 0 {
		v := []any{nil, true, "wrong", []any{"a"}, map[string]any{"b": "c"}}[random.IntN(5)]
		if of.Kind() != reflect.Struct {
			return v, v
		}
	}
	v := reflect.New(of).Elem()
	switch {
	case of == typeTime:
		fill(random, v, 0)
		ms := v.Interface().(time.Time).UnixMilli()
		return json.Number(fmt.Sprintf("%d.%03d", ms/1000, ms%1000)), cbor.Tag{Number: 1, Content: ms}
	case of == typeBytes:
		fill(random, v, 0)
		return v.Interface(), v.Interface()
	}
	switch of.Kind() {
	case reflect.Pointer:
		return document(random, of.Elem())
	case reflect.Struct:
		a, b := map[string]any{}, map[string]any{}
		for i := range of.NumField() {
			if f := of.Field(i); f.IsExported() && random.IntN(4) > 0 {
				a[f.Name], b[f.Name] = document(random, f.Type)
			}
		}
		return a, b
	case reflect.Slice:
		a, b := []any{}, []any{}
		for range random.IntN(3) {
			x, y := document(random, of.Elem())
			a, b = append(a, x), append(b, y)
		}
		return a, b
	case reflect.Map:
		a, b := map[string]any{}, map[string]any{}
		for range random.IntN(3) {
			k := word(random)
			a[k], b[k] = document(random, of.Elem())
		}
		return a, b
	}
	fill(random, v, 0)
	return v.Interface(), v.Interface()
}

// encode writes a value, members in the order in which encoding/json does, by which the first offence is the same.
// Scalars are left to the library.
func encode(b []byte, v any, indefinite bool) []byte {
	begin := func(major byte, n int) {
		switch {
		case indefinite:
			b = append(b, major<<5|31)
		case n < 24:
			b = append(b, major<<5|byte(n))
		default:
			b = append(b, major<<5|24, byte(n))
		}
	}
	switch v := v.(type) {
	case map[string]any:
		begin(5, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = encode(encode(b, name, indefinite), v[name], indefinite)
		}
	case []any:
		begin(4, len(v))
		for _, element := range v {
			b = encode(b, element, indefinite)
		}
	case string:
		if !indefinite {
			return append(b, must(cbor.Marshal(v))...)
		}
		begin(3, 0)
		for _, c := range v {
			b = append(b, must(cbor.Marshal(string(c)))...)
		}
	default:
		return append(b, must(cbor.Marshal(v))...)
	}
	if indefinite {
		b = append(b, 0xff)
	}
	return b
}
