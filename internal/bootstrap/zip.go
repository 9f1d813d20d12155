package bootstrap

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"os"
)

// ZipSelf packs this program's executable as a function's `bootstrap`.
func ZipSelf() ([]byte, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return Zip(path)
}

// Zip packs an executable of this program as a function's `bootstrap`.
func Zip(path string) ([]byte, error) {
	program, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer program.Close()

	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	// The package lives for one demo on this machine: what counts is that it is made quickly.
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	file, err := archive.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(file, program); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}
