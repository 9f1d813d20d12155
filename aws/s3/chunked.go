package s3

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// chunkedReader decodes aws-chunked: chunks with their length in hex before them, possibly a signature behind it, a chunk
// of no bytes at the end, and trailers. Signatures are not verified, as those of whole requests are not.
type chunkedReader struct {
	r       *bufio.Reader
	left    int64 // of the chunk at hand
	ended   bool
	trailer map[string]string // by names in small letters, when ended
}

const (
	maxChunkLine = 4 << 10
	maxTrailers  = 16
)

func newChunkedReader(r io.Reader) *chunkedReader {
	return &chunkedReader{r: bufio.NewReaderSize(r, maxChunkLine), trailer: map[string]string{}}
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
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && c.left == 0 {
		err = c.newline()
	}
	return n, err
}

// next reads the line before a chunk.
func (c *chunkedReader) next() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	length, _, _ := strings.Cut(line, ";")
	c.left, err = strconv.ParseInt(length, 16, 64)
	if err != nil || c.left < 0 {
		return malformed()
	}
	if c.left > 0 {
		return nil
	}
	c.ended = true
	return c.trailers()
}

// trailers reads what follows the last chunk, up to an empty line or the end.
func (c *chunkedReader) trailers() error {
	for range maxTrailers {
		line, err := c.line()
		if err == io.ErrUnexpectedEOF || err == nil && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return malformed()
		}
		c.trailer[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
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
