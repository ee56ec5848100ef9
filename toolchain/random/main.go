// The resource plugin `random` for Pulumi: HashiCorp's provider behind Pulumi's bridge.
package main

import (
	"context"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	info "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/terraform-providers/terraform-provider-random/shim"
)

// version is that of the Python package `pulumi-random`; the build sets it.
var version string

func main() {
	provider := info.ProviderInfo{
		P:            tfbridge.ShimProvider(shim.New()),
		Name:         "random",
		Version:      version,
		MetadataInfo: info.NewProviderMetadata([]byte("{}")),
		Resources: map[string]*info.ResourceInfo{
			// It has no id of its own, and its other outputs are the secret itself.
			"random_bytes": {ComputeID: constantID},
		},
	}
	// The tokens that `pulumi_random` uses keep the prefix: random:index/randomPassword:RandomPassword.
	provider.MustComputeTokens(tokens.SingleModule("", "index", tokens.MakeStandard("random")))

	schema := []byte(`{"name": "random", "version": "` + version + `"}`)
	tfbridge.Main(context.Background(), "random", provider, tfbridge.ProviderMetadata{PackageSchema: schema})
}

func constantID(context.Context, resource.PropertyMap) (resource.ID, error) {
	return "none", nil
}
