// Package shim hands out the random provider, whose package is internal: the path of this
// module lies inside the provider's, and that is what Go looks at.
package shim

import (
	framework "github.com/hashicorp/terraform-plugin-framework/provider"

	"github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// New returns the provider as HashiCorp serves it.
func New() framework.Provider {
	return provider.New()
}
