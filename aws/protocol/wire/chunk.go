package wire

import "unsafe"

// chunkBytes is the size of the chunks that short strings and blobs are cut from. It bounds how much memory a
// string that is kept for long can hold on to.
const chunkBytes = 16 << 10

// Chunk is what is left of a chunk that short values are cut from, so that a call of five hundred records does not
// make a thousand small allocations. The zero value is ready.
type Chunk []byte

// Take cuts n bytes off the chunk; left is the number of bytes of the document still to be read, beyond which a new
// chunk would be a waste.
func (c *Chunk) Take(n, left int) []byte {
	if n > chunkBytes/4 {
		return make([]byte, n)
	}
	if len(*c) < n {
		*c = make([]byte, max(n, min(chunkBytes, left/4)))
	}
	cut := (*c)[:n:n]
	*c = (*c)[n:]
	return cut
}

// String copies raw into a string of its own.
func (c *Chunk) String(raw []byte, left int) string {
	if len(raw) == 0 {
		return ""
	}
	copied := c.Take(len(raw), left)
	copy(copied, raw)
	return unsafe.String(&copied[0], len(copied))
}
