package topic

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// keyRow is the room's signing key. It is made when it is first needed, and stays.
type keyRow struct {
	Key         []byte // PKCS #8
	Certificate []byte // DER
}

const (
	keyName     = "signing"
	keyBits     = 2048
	keyLifetime = 100 * 365 * 24 * time.Hour
)

// signer signs notifications.
type signer struct {
	keys  store.Collection[keyRow]
	clock clockwork.Clock
	gate  chan struct{} // held by the one that makes or reads the key

	// Set once, by the holder of the gate, who hands on what it reads.
	key         *rsa.PrivateKey
	certificate []byte
}

func newSigner(t store.Tables, clock clockwork.Clock) *signer {
	return &signer{keys: store.NewCollection[keyRow](t, tableKeys), clock: clock, gate: make(chan struct{}, 1)}
}

// sign returns the signature in base64 and the path of the certificate.
func (s *signer) sign(ctx context.Context, version, text string) (signature, path string, err error) {
	key, certificate, err := s.ready(ctx)
	if err != nil {
		return "", "", err
	}
	kind, digest := crypto.SHA1, []byte(nil)
	if version == "2" {
		sum := sha256.Sum256([]byte(text))
		kind, digest = crypto.SHA256, sum[:]
	} else {
		sum := sha1.Sum([]byte(text)) // version 1 is defined so
		digest = sum[:]
	}
	raw, err := rsa.SignPKCS1v15(rand.Reader, key, kind, digest)
	if err != nil {
		return "", "", err
	}
	return base64.StdEncoding.EncodeToString(raw), certificatePath(certificate), nil
}

// CertificatePrefix is what the path of the certificate begins with.
const CertificatePrefix = "/SimpleNotificationService-"

func certificatePath(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return CertificatePrefix + hex.EncodeToString(sum[:16]) + ".pem"
}

// Certificate returns the certificate that verifies notifications, in PEM, if the path is the one that they name.
func (s *Service) Certificate(ctx context.Context, path string) ([]byte, bool) {
	_, certificate, err := s.signer.ready(ctx)
	if err != nil || path != certificatePath(certificate) {
		return nil, false
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), true
}

// ready returns the key, which it reads or makes when it is needed for the first time.
func (s *signer) ready(ctx context.Context) (*rsa.PrivateKey, []byte, error) {
	select {
	case s.gate <- struct{}{}:
		defer func() { <-s.gate }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if s.key != nil {
		return s.key, s.certificate, nil
	}
	row, _, err := s.keys.Get(ctx, keyName)
	if errors.Is(err, store.ErrNotFound) {
		row, err = s.make(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(row.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("%w: the key is %T", store.ErrCorrupt, key)
	}
	s.key, s.certificate = private, row.Certificate
	return s.key, s.certificate, nil
}

func (s *signer) make(ctx context.Context) (keyRow, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return keyRow{}, err
	}
	now := s.clock.Now()
	form := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "sns.millrace"},
		NotBefore:    now.Add(-24 * time.Hour), NotAfter: now.Add(keyLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &form, &form, &key.PublicKey, key)
	if err != nil {
		return keyRow{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return keyRow{}, err
	}
	row := keyRow{Key: private, Certificate: certificate}
	return row, s.keys.Put(context.WithoutCancel(ctx), keyName, row, store.Absent)
}
