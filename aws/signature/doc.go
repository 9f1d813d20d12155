// Package signature reads and verifies signatures of AWS's version 4: in the Authorization header, in a presigned URL,
// and, for S3, on each chunk of a body that is sent in chunks. Of version 2 it knows what S3's clients still make: presigned URLs.
//
// It knows neither who holds a key nor how a refusal is written: it is handed the secret, and returns a *Fault, which each
// protocol words in its own way.
//
// What is verified is what is carried out. The hash is taken of the very bytes that are decoded afterwards; what the client
// says of them counts only where they are not in memory yet, as S3's are, and then whoever reads them compares. Every
// header that begins with x-amz- has to be signed, since it may say what is to be done: a header that somebody added on the
// way is a refusal.
//
// Signatures are compared in constant time. The keys that are derived from a secret for a day are kept, as many as maxKeys,
// and only those of which somebody has shown that he has the secret: a stranger cannot push them out.
package signature
