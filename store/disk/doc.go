// Package disk is the embedded engine of the store.
package disk
