package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// The algorithms of checksums by name. The name of the header is x-amz-checksum- and the name in small letters.
var algorithms = map[string]func() hash.Hash{
	"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"CRC64NVME": func() hash.Hash { return crc64.New(nvme) },
	"SHA1":      sha1.New,
	"SHA256":    sha256.New,
	"SHA512":    sha512.New,
}

// nvme is the polynomial of CRC-64/NVME, reflected.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// defaultAlgorithm is the one of objects whose writer names none.
const defaultAlgorithm = "CRC64NVME"

const checksumHeader = "X-Amz-Checksum-"

// notChecksums are headers with the same beginning that hold none.
var notChecksums = map[string]bool{"Mode": true, "Algorithm": true, "Type": true}

// givenChecksum finds the checksum that a request brings, in its headers or in the trailer that they announce. An
// algorithm that is not known is refused.
func givenChecksum(h http.Header) (algorithm, value string, trailing bool, err error) {
	for name, values := range h {
		rest, ok := strings.CutPrefix(name, checksumHeader)
		if !ok || notChecksums[rest] || len(values) == 0 {
			continue
		}
		if algorithm != "" {
			return "", "", false, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		algorithm, value = strings.ToUpper(rest), values[0]
	}
	for name := range strings.SplitSeq(h.Get("X-Amz-Trailer"), ",") {
		if rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), strings.ToLower(checksumHeader)); ok {
			algorithm, trailing = strings.ToUpper(rest), true
		}
	}
	if algorithm != "" && algorithms[algorithm] == nil {
		return "", "", false, notImplemented("header", strings.ToLower(checksumHeader+algorithm))
	}
	if value != "" && !validChecksum(algorithm, value) {
		return "", "", false, invalidRequest("Value for " + strings.ToLower(checksumHeader+algorithm) + " header is invalid.")
	}
	return algorithm, value, trailing, nil
}

func validChecksum(algorithm, value string) bool {
	raw, err := base64.StdEncoding.DecodeString(value)
	return err == nil && len(raw) == algorithms[algorithm]().Size()
}

func encodeSum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }
