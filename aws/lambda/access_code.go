package lambda

import (
	"context"
	"strconv"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
)

// codeAccess is what a request needs beside its own action: whoever makes a function of an object or of a layer must be
// allowed to read it.
func (d *Door) codeAccess(in protocol.Input) (needed []protocol.Access) {
	object := func(bucket, key *string) {
		if given(bucket) && given(key) {
			needed = append(needed, protocol.Access{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + *bucket + "/" + *key})
		}
	}
	layers := func(arns []string) {
		for _, name := range arns {
			needed = append(needed, protocol.Access{Action: "lambda:GetLayerVersion", Resource: layerARN(name), Policy: d.layerPolicy(name)})
		}
	}
	switch in := in.(type) {
	case *CreateFunctionRequest:
		if in.Code != nil {
			object(in.Code.S3Bucket, in.Code.S3Key)
		}
		layers(in.Layers)
	case *UpdateFunctionCodeRequest:
		object(in.S3Bucket, in.S3Key)
	case *UpdateFunctionConfigurationRequest:
		layers(in.Layers)
	case *PublishLayerVersionRequest:
		if in.Content != nil {
			object(in.Content.S3Bucket, in.Content.S3Key)
		}
	}
	return needed
}

// layerPolicy returns the policy of a version of a layer, "" when there is none.
func (d *Door) layerPolicy(name string) string {
	ref, _ := function.ParseLayer(name)
	p, err := d.Functions.LayerPolicy(ref)
	if err != nil {
		return ""
	}
	return p.Document()
}

// layerResource names what an operation about a layer is about: the layer, or a version of it.
func layerResource(ctx context.Context, in protocol.Input, name string) string {
	layer := layerName(ctx, name)
	resource := "layer:" + layer.Name
	number := int64(0)
	switch in := in.(type) {
	case *GetLayerVersionRequest:
		number = in.VersionNumber
	case *DeleteLayerVersionRequest:
		number = in.VersionNumber
	case *AddLayerVersionPermissionRequest:
		number = in.VersionNumber
	case *GetLayerVersionPolicyRequest:
		number = in.VersionNumber
	case *RemoveLayerVersionPermissionRequest:
		number = in.VersionNumber
	}
	if number > 0 {
		resource += ":" + strconv.FormatInt(number, 10)
	}
	return arn.New("lambda", layer.Region, layer.Account, resource).String()
}

// layerARN is the ARN of a version of a layer in its own spelling, which policies know.
func layerARN(name string) string {
	if ref, ok := function.ParseLayer(name); ok {
		return ref.ARN()
	}
	return name
}

// givenLayers are the layers that a function is to have.
func givenLayers(in protocol.Input) []string {
	switch in := in.(type) {
	case *CreateFunctionRequest:
		return in.Layers
	case *UpdateFunctionConfigurationRequest:
		return in.Layers
	}
	return nil
}
