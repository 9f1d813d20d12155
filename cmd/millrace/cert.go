package main

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/authority"
	"github.com/millrace/millrace/server"
)

func printCertificate(_ context.Context, args []string, std stdio) error {
	fs := newFlags("cert", `Prints the certificate (PEM) of the authority that signs for the server of a data folder; clients that trust it can speak
TLS with the server. The authority is made when there is none yet. That of a server in memory is at /_millrace/ca.pem.`, std)
	dir := fs.String("data-dir", "", "`folder` of the data (default: millrace in the user's data folder)")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *dir == "" {
		var err error
		if *dir, err = dataDir(); err != nil {
			return err
		}
	}
	a, err := authority.Open(server.CertificateFolder(*dir), time.Now())
	if err != nil {
		return err
	}
	_, err = std.out.Write(a.PEM())
	return err
}
