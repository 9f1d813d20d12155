// Package iam is the door of IAM: it translates its operations to users, roles, access keys and policies of the room
// identity.
//
// Users and roles share what can be done to both, so the files are by that: role.go and user.go hold what belongs to one of
// them, inline.go, attached.go and tag.go the rest. IAM has no regions; whatever region a request is signed for, it is the same account.
package iam
