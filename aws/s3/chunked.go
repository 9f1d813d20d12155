package s3

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/signature"
)

// chunkedReader decodes aws-chunked: chunks with their length in hex before them, possibly a signature behind it, a chunk
// of no bytes at the end, and trailers. Signatures are verified by the chain, if there is one; what is read of a chunk is
// to be believed only when io.EOF was.
type chunkedReader struct {
	r       *bufio.Reader
	chain   *signature.Chain
	sign    string // the signature of the chunk at hand, as given
	left    int64  // of the chunk at hand
	ended   bool
	trailer map[string]string // by names in small letters, when ended
}

const (
	maxChunkLine = 4 << 10
	maxTrailers  = 16
)

func newChunkedReader(r io.Reader, chain *signature.Chain) *chunkedReader {
	return &chunkedReader{chain: chain, r: bufio.NewReaderSize(r, maxChunkLine), trailer: map[string]string{}}
}

// malformed is a body that is not what it is said to be.
func malformed() error {
	return invalidRequest("The body of the request is not well-formed aws-chunked.")
}

// Read implements io.Reader.
func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
		if c.ended {
			return 0, io.EOF
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.chain != nil {
		_, _ = c.chain.Write(p[:n]) // never fails
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && c.left == 0 {
		if err = c.newline(); err == nil {
			err = c.endChunk()
		}
	}
	return n, err
}

// next reads the line before a chunk.
func (c *chunkedReader) next() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	length, extension, _ := strings.Cut(line, ";")
	c.sign = strings.TrimPrefix(extension, "chunk-signature=")
	c.left, err = strconv.ParseInt(length, 16, 64)
	if err != nil || c.left < 0 {
		return malformed()
	}
	if c.left > 0 {
		return nil
	}
	c.ended = true
	if err := c.endChunk(); err != nil {
		return err
	}
	return c.trailers()
}

// endChunk verifies the signature of a chunk that has been read.
func (c *chunkedReader) endChunk() error {
	if c.chain == nil || c.chain.EndChunk(c.sign) {
		return nil
	}
	return &failure{code: "SignatureDoesNotMatch"}
}

// trailerSignature is the name of the trailer that signs the others.
const trailerSignature = "x-amz-trailer-signature"

// endTrailers verifies their signature, where there has to be one.
func (c *chunkedReader) endTrailers(lines string) error {
	if c.chain == nil || !c.chain.Trailers() || c.chain.EndTrailers(lines, c.trailer[trailerSignature]) {
		return nil
	}
	return &failure{code: "SignatureDoesNotMatch"}
}

// trailers reads what follows the last chunk, up to an empty line or the end.
func (c *chunkedReader) trailers() error {
	var lines strings.Builder // as they are signed
	for range maxTrailers {
		line, err := c.line()
		if err == io.ErrUnexpectedEOF || err == nil && line == "" {
			return c.endTrailers(lines.String())
		}
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return malformed()
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if c.trailer[name] = value; name != trailerSignature {
			lines.WriteString(name + ":" + value + "\n")
		}
	}
	return malformed()
}

// line reads a line without its end.
func (c *chunkedReader) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	switch {
	case err == io.EOF:
		if len(line) > 0 {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		return "", io.ErrUnexpectedEOF
	case err == bufio.ErrBufferFull:
		return "", malformed()
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// newline reads the end of a chunk.
func (c *chunkedReader) newline() error {
	line, err := c.line()
	if err == nil && line != "" {
		err = malformed()
	}
	return err
}
