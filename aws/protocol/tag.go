package protocol

import "strings"

// ReservedTag is what AWS's services answer to tags that only they themselves set, each with its own code. The text is
// recorded of Lambda, and told by users of SNS, SQS and CloudWatch; of the others it is taken to be the same.
const ReservedTag = "aws: prefixed tag key names are not allowed for external use."

// IsReservedTag reports whether a tag's key is one that only AWS's own services set. To take such a tag away is not
// refused: there are none to keep.
func IsReservedTag(key string) bool {
	const prefix = "aws:"
	return len(key) >= len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
}
