package kinesis

import "context"

// noPolicy is how a resource without a policy answers the question for it.
const noPolicy = "{}"

// GetResourcePolicy returns the policy of a stream or a consumer.
func (d *Door) GetResourcePolicy(ctx context.Context, in *GetResourcePolicyInput) (*GetResourcePolicyOutput, error) {
	r, err := addressedResource(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	policy, err := d.Streams.Policy(ctx, r)
	if err != nil {
		return nil, translate(err, r.Stream)
	}
	if policy == "" {
		policy = noPolicy
	}
	return &GetResourcePolicyOutput{Policy: policy}, nil
}
