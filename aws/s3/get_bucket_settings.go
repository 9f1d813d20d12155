package s3

import (
	"encoding/xml"
	"net/http"
)

// setting is the document of something that no bucket has set here.
type setting struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Payer     string `xml:",omitempty"`
}

// unset answers with the document of a setting that nobody has touched. Terraform reads each of them of a bucket it keeps.
func (d *Door) unset(q *request, document setting) error {
	if err := d.mine(q); err != nil {
		return err
	}
	document.Namespace = namespace
	q.document(http.StatusOK, document)
	return nil
}

// getBucketVersioning says that versions of objects were never kept.
func (d *Door) getBucketVersioning(q *request) error {
	return d.unset(q, setting{XMLName: xml.Name{Local: "VersioningConfiguration"}})
}

// getBucketAccelerateConfiguration says that transfers were never accelerated.
func (d *Door) getBucketAccelerateConfiguration(q *request) error {
	return d.unset(q, setting{XMLName: xml.Name{Local: "AccelerateConfiguration"}})
}

// getBucketLogging says that accesses are not logged.
func (d *Door) getBucketLogging(q *request) error {
	return d.unset(q, setting{XMLName: xml.Name{Local: "BucketLoggingStatus"}})
}

// getBucketRequestPayment says that the owner pays, not who asks.
func (d *Door) getBucketRequestPayment(q *request) error {
	return d.unset(q, setting{XMLName: xml.Name{Local: "RequestPaymentConfiguration"}, Payer: "BucketOwner"})
}

type accessControlPolicy struct {
	XMLName   xml.Name `xml:"AccessControlPolicy"`
	Namespace string   `xml:"xmlns,attr"`
	Owner     owner
	Grants    []grant `xml:"AccessControlList>Grant"`
}

type grant struct {
	Grantee    grantee
	Permission string
}

type grantee struct {
	Namespace string `xml:"xmlns:xsi,attr"`
	Type      string `xml:"xsi:type,attr"`
	ID        string
}

// getBucketAcl says that the owner has full control, and nobody else any: the list that each bucket has.
func (d *Door) getBucketAcl(q *request) error {
	if err := d.mine(q); err != nil {
		return err
	}
	owner := ownerOf(q.call.Account)
	q.document(http.StatusOK, accessControlPolicy{
		Namespace: namespace, Owner: owner,
		Grants: []grant{{grantee{"http://www.w3.org/2001/XMLSchema-instance", "CanonicalUser", owner.ID}, "FULL_CONTROL"}},
	})
	return nil
}
