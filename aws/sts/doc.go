// Package sts is the door of STS: who calls, and sessions of roles and users, given out by the room identity.
package sts
