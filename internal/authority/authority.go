package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

const (
	// life is how long an authority lasts: longer than anyone will want to tell clients about another.
	life = 20 * 365 * 24 * time.Hour
	// slack is how far a client's clock may be behind.
	slack = time.Hour
)

// Authority signs certificates.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// New makes an authority that is not kept anywhere.
func New(now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	number, err := serialNumber()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: number,
		// A part of the number is in the name, so that a client that has met several can tell them apart.
		Subject:               pkix.Name{Organization: []string{"Millrace"}, CommonName: fmt.Sprintf("Millrace CA %x", number.Bytes()[:4])},
		NotBefore:             now.Add(-slack),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true, // it signs servers, and no further authorities
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("sign the authority: %w", err)
	}
	return &Authority{key, cert}, nil
}

// serialNumber is a random one: nobody keeps count.
func serialNumber() (*big.Int, error) {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return number.SetBit(number, 126, 1), nil
}

// The kinds of blocks in the authority's file.
const (
	blockKey         = "PRIVATE KEY"
	blockCertificate = "CERTIFICATE"
)

// PEM returns the certificate, which clients need to have; there is no secret in it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: a.cert.Raw})
}

// secret returns the key and the certificate.
func (a *Authority) secret() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}), a.PEM()...), nil
}

// parse reads what secret wrote.
func parse(text []byte, now time.Time) (*Authority, error) {
	a := new(Authority)
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case blockKey:
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			a.key, _ = key.(*ecdsa.PrivateKey)
		case blockCertificate:
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			a.cert = cert
		}
	}
	switch {
	case a.key == nil || a.cert == nil:
		return nil, errors.New("there is not a key and a certificate in it")
	case !a.key.PublicKey.Equal(a.cert.PublicKey) || !a.cert.IsCA:
		return nil, errors.New("the certificate is not the key's")
	case now.After(a.cert.NotAfter):
		return nil, fmt.Errorf("it expired on %s", a.cert.NotAfter.Format(time.DateOnly))
	}
	return a, nil
}
