package stage

import (
	_ "embed" // the configuration
	"fmt"
	"os"
	"text/template"
)

//go:embed switchgear.yaml
var configuration string

// model has a backend at each provider.
type model struct {
	Name              string
	Primary, Fallback dialect
}

// dialect is a backend's type and the path of its base URL.
type dialect struct{ Type, Path string }

var (
	openAI    = dialect{"OpenAI", "/v1"}
	anthropic = dialect{"Anthropic", ""}
)

// alone is a way to be served by the primary alone.
type alone struct {
	Suffix, Policy, Key, Timeout string
	Attempts                     int
}

// writeConfiguration writes the gateway's file.
func (s *Stage) writeConfiguration(path string) error {
	t, err := template.New("switchgear.yaml").Parse(configuration)
	if err != nil {
		return fmt.Errorf("reading the configuration's template: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = t.Execute(f, map[string]any{
		"Key": ProviderKey, "Primary": s.Primary.URL, "Fallback": s.Fallback.URL,
		"AccountHeader": AccountHeader, "Account": Account,
		"Dialects": []dialect{openAI, anthropic},
		"Models": []model{
			{OpenAIModel, openAI, openAI}, {OpenAIModel + Across, openAI, anthropic},
			{AnthropicModel, anthropic, anthropic}, {AnthropicModel + Across, anthropic, openAI},
		},
		"Alone": []alone{
			{Once, "calm", "api-key", "1m", 1},
			{Repeated, "calm", "api-key", "1m", 2},
			{Touchy, "touchy", "api-key", "1m", 1},
			{Impatient, "calm", "api-key", "500ms", 1},
			{Revoked, "calm", "revoked", "1m", 1},
		},
	})
	if err != nil {
		_ = f.Close() // the file is of no use
		return fmt.Errorf("writing the configuration: %w", err)
	}
	return f.Close()
}
