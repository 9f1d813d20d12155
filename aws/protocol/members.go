package protocol

import (
	"reflect"
	"strings"
)

// Members returns the members of an input that are texts, by their names, as far as they are given. It is for those who
// judge what an operation is about, and do so for many of them alike.
func Members(in Input) map[string]string {
	v := reflect.Indirect(reflect.ValueOf(in))
	members := make(map[string]string, v.NumField())
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		switch value := v.Field(i).Interface().(type) {
		case string:
			members[field.Name] = value
		case *string:
			if value != nil {
				members[field.Name] = *value
			}
		}
	}
	return members
}

// requestTags returns the tags that an input holds, or the keys of those that it takes away, as the keys that conditions ask for;
// nil when it has none.
func requestTags(in Input) map[string][]string {
	var keys map[string][]string
	add := func(key string, value ...string) {
		if keys == nil {
			keys = map[string][]string{}
		}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], key)
		if value != nil {
			keys["aws:requesttag/"+strings.ToLower(key)] = value
		}
	}
	of := reflect.Indirect(reflect.ValueOf(in))
	for _, member := range []string{"Tags", "TagKeys"} {
		v := of.FieldByName(member)
		if !v.IsValid() {
			continue
		}
		switch tags := v.Interface().(type) {
		case map[string]string:
			for key, value := range tags {
				add(key, value)
			}
		case []string:
			for _, key := range tags {
				add(key)
			}
		default:
			for i := 0; v.Kind() == reflect.Slice && i < v.Len(); i++ {
				if one := v.Index(i); one.Kind() == reflect.Struct {
					add(textOf(one.FieldByName("Key")), textOf(one.FieldByName("Value")))
				}
			}
		}
	}
	return keys
}

// textOf is the text of a member that may be optional.
func textOf(v reflect.Value) string {
	if v.IsValid() && v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() != reflect.String {
		return ""
	}
	return v.String()
}
