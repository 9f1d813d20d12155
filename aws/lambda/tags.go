package lambda

import (
	"context"
	"errors"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/mapping"
)

const mappingResource = "event-source-mapping:"

// tagged is what a tag operation is about: a mapping, or a function when uuid is empty.
type tagged struct {
	account, region, uuid string
	function              function.Name
}

// TagResource sets tags beside those that are there.
func (d *Door) TagResource(ctx context.Context, in *TagResourceRequest) error {
	of, err := d.tagged(ctx, in.Resource)
	if err != nil {
		return err
	}
	if len(in.Tags) == 0 {
		return invalid("An error occurred and the request cannot be processed.")
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	if of.uuid == "" {
		return translate(d.Functions.Tag(ctx, of.function, in.Tags))
	}
	return translateTags(d.Mappings.Tag(ctx, of.account, of.region, of.uuid, in.Tags), in.Resource)
}

// UntagResource removes tags. Those that are not there are no error.
func (d *Door) UntagResource(ctx context.Context, in *UntagResourceRequest) error {
	of, err := d.tagged(ctx, in.Resource)
	if err != nil {
		return err
	}
	if of.uuid == "" {
		return translate(d.Functions.Untag(ctx, of.function, in.TagKeys))
	}
	return translateTags(d.Mappings.Untag(ctx, of.account, of.region, of.uuid, in.TagKeys), in.Resource)
}

// ListTags returns all tags.
func (d *Door) ListTags(ctx context.Context, in *ListTagsRequest) (*ListTagsResponse, error) {
	of, err := d.tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	if of.uuid != "" {
		tags, err := d.Mappings.Tags(ctx, of.account, of.region, of.uuid)
		return &ListTagsResponse{Tags: tags}, translateTags(err, in.Resource)
	}
	a, err := d.Functions.Attributes(ctx, of.function)
	return &ListTagsResponse{Tags: orEmpty(a.Tags)}, translate(err)
}

// checkTags refuses tags that only AWS's own services set.
func checkTags(tags map[string]string) error {
	for key := range tags {
		if protocol.IsReservedTag(key) {
			return invalid(protocol.ReservedTag)
		}
	}
	return nil
}

// tagged reads the ARN of what is tagged, which validation has found to be one. A function is looked up; a mapping is
// for the room to find.
func (d *Door) tagged(ctx context.Context, resource string) (tagged, error) {
	call := protocol.CallFrom(ctx)
	a, err := arn.Parse(resource)
	if err != nil {
		return tagged{}, invalid("%s is not the ARN of a resource.", resource)
	}
	if uuid, ok := strings.CutPrefix(a.Resource, mappingResource); ok {
		if a.Account != call.Account || a.Region != call.Region {
			return tagged{}, translateTags(mapping.ErrNotFound, resource)
		}
		return tagged{account: a.Account, region: a.Region, uuid: uuid}, nil
	}
	if !strings.HasPrefix(a.Resource, "function:") {
		return tagged{}, invalid("Tags of %s are not supported.", resource)
	}
	ref, err := function.ParseRef(resource, call.Account, call.Region)
	if err != nil {
		return tagged{}, translate(err)
	}
	if ref.Qualifier != "" {
		return tagged{}, invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	_, err = d.Functions.Find(ctx, ref)
	return tagged{function: ref.Name}, translate(err)
}

// translateTags gives an error of the mappings' room the text of the tag operations.
func translateTags(err error, resource string) error {
	if errors.Is(err, mapping.ErrNotFound) {
		return &protocol.Error{Code: ResourceNotFoundException, Message: "Event source mapping not found: " + resource}
	}
	return translateMapping(err)
}
