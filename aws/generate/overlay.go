package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// overlay is what we say beside the model.
type overlay struct {
	// Model is the folder of the model: kinesis/2013-12-02.
	Model string `json:"model"`
	// Scope is the service's name in credential scopes.
	Scope string `json:"scope"`
	// JavaPackage names structures in validation messages.
	JavaPackage string `json:"javaPackage"`
	// Operations are those that are offered.
	Operations []string `json:"operations"`
	// MaxBodyBytes bounds request bodies; Limits does so for single operations.
	MaxBodyBytes int64            `json:"maxBodyBytes"`
	Limits       map[string]limit `json:"limits"`
	// PayloadType is the content type of answers that are one member as it stands.
	PayloadType string `json:"payloadType"`
	// ErrorNamespace stands in __type.
	ErrorNamespace string `json:"errorNamespace"`
	// InternalCode is the code of internal failures, MissingCode that of absent members, InvalidCode that of broken
	// constraints (see protocol.Service).
	InternalCode string `json:"internalCode"`
	MissingCode  string `json:"missingCode"`
	InvalidCode  string `json:"invalidCode"`
	// CBOR says that the service also speaks AWS's CBOR 1.1, RPCName how paths of the protocol rpc-v2-cbor call it;
	// empty = not spoken.
	CBOR    bool   `json:"cbor"`
	RPCName string `json:"rpcName"`
	// Query tells how the query protocol is spoken; absent = not.
	Query *struct {
		Version    string `json:"version"`
		Namespace  string `json:"namespace"`
		PathMember string `json:"pathMember"`
		Detail     bool   `json:"detail"`
	} `json:"query"`
	// MembersNotNull says that "not null" is listed among the constraints of members of lists and maps.
	MembersNotNull bool `json:"membersNotNull"`
	// Sensitive are shapes whose values do not appear in messages, beside those that the model marks.
	Sensitive []string `json:"sensitive"`
	// EnumOrder is the order in which AWS prints an enum's values; NoEnum are enums that are not judged by the
	// common grammar, but by the operation.
	EnumOrder map[string][]string `json:"enumOrder"`
	NoEnum    []string            `json:"noEnum"`
	// Errors are the codes that the model does not have, and what it does not say of those it has.
	Errors map[string]errorOverlay `json:"errors"`
	// Merge is laid over the model. Beside what models have, members may have a queryName, and shapes an item, key
	// and value name for the query protocol.
	Merge *object `json:"-"`
}

type limit struct {
	MaxBodyBytes int64  `json:"maxBodyBytes"`
	Name         string `json:"name"`
}

type errorOverlay struct {
	Status      int    `json:"status"`
	Query       string `json:"query"`
	QueryStatus int    `json:"queryStatus"`
	Member      string `json:"member"`
	Typed       bool   `json:"typed"`
}

func parseOverlay(text []byte) (*overlay, error) {
	all, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("overlay: %w", err)
	}
	o := &overlay{Merge: newObject()}
	if merge, ok := all.values["merge"].(*object); ok {
		o.Merge = merge
	}
	all.remove("merge")
	rest, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("overlay: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		return nil, fmt.Errorf("overlay: %w", err)
	}
	return o, nil
}
