package protocol

import "reflect"

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
