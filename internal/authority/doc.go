// Package authority is a certificate authority of one's own, so that clients that insist on TLS can trust a server that
// nobody else vouches for.
//
// An Authority is a key and a certificate that says so of itself. It is made once and kept in a folder, in one file
// that only its owner may read; or it lives in memory, for servers that keep nothing. A Server is what a listening
// server shows to its clients: a certificate for its names, signed by the authority, made when the first client asks
// and made anew long before it expires.
//
// Invariants. A folder never has two authorities, even when two programs look for one at the same time. What Open
// returned is on the disk. A Server never hands out a certificate that has expired.
//
// Time here is the machine's, for it is by theirs that clients judge certificates.
package authority
