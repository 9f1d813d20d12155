//go:build replay

package sim

import _ "unsafe" // for the linkname

// simSeed is in the runtime that the program ./replay builds.
//
//go:linkname simSeed runtime.simSeed
func simSeed(seed uint64)

func init() { determine = simSeed }
