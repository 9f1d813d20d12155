// Package base64 reads and writes standard base64 in about half the time that encoding/base64 takes: much of what taking records
// in, answering with them, and writing a function's event costs is this.
package base64
