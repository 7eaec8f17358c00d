package v1alpha1

// Backend is one deployment of a provider.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'HTTP' || !has(self.model)",message="a backend of type HTTP must not have a model"
// +kubebuilder:validation:XValidation:rule="self.type != 'HTTP' || !has(self.supportsPrefill) || !self.supportsPrefill",message="a backend of type HTTP has no turns to go on with: supportsPrefill must not be true"
// +kubebuilder:validation:XValidation:rule="self.type == 'Anthropic' || !has(self.defaultMaxTokens)",message="defaultMaxTokens is for type Anthropic: no other dialect requires a limit"
// +kubebuilder:validation:XValidation:rule="!has(self.auth) || (has(self.credentials) && has(self.credentials.secretRef))",message="auth needs credentials.secretRef: it says where that credential goes"
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || !self.url.startsWith('http://')",message="tls needs a url with https://"
type Backend struct {
	// name of the backend, unique within the route.
	// +required
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// type is the dialect that the provider speaks. HTTP is any other API, behind
	// a pathPrefix.
	// +required
	Type BackendType `json:"type"`

	// url is what the dialect's official SDK calls the base URL: OpenAI's with
	// /v1, Anthropic's without. For a path route it takes the prefix's place.
	// +required
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="isURL(self) && self.matches('^https?://[^/?#@ ]+(/[^?# ]*)?$') && size(url(self).getHostname()) > 0",message="must be an absolute http:// or https:// URL with a host, without user, password, query or fragment"
	URL string `json:"url"`

	// model that is asked of the provider. Default: what the client asked for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-)+-~]+$')",message="must be a model's name in printable ASCII without spaces and *"
	Model string `json:"model,omitempty"`

	// credentials that the provider is called with. Default: none.
	// +optional
	Credentials *Credentials `json:"credentials,omitempty"`

	// auth says where the credential goes.
	// +optional
	Auth *Auth `json:"auth,omitempty"`

	// headers that are set on every call to this backend.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(h, self.exists_one(o, o.name.lowerAscii() == h.name.lowerAscii()))",message="must not name a header twice: upper and lower case are the same"
	Headers []HTTPHeader `json:"headers,omitempty"`

	// query are parameters that are set in the URL of every call to this backend.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Query []QueryParameter `json:"query,omitempty"`

	// tls says how the provider's certificate is checked. Default: by the system's
	// authorities and the host of the url.
	// +optional
	TLS *BackendTLS `json:"tls,omitempty"`

	// priority of the backend, the lower first. A backend of the next priority is
	// the fallback.
	// +optional
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Priority int32 `json:"priority,omitempty"`

	// weight is the share of requests among backends of the same priority. 0: only
	// where no other of them can answer.
	// +optional
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Weight *int32 `json:"weight,omitempty"`

	// circuitPolicyRef names the policy of the backend's circuits. Default: the
	// CircuitPolicy named "default" of the namespace, or else the built-in profile
	// Balanced.
	// +optional
	CircuitPolicyRef *CircuitPolicyReference `json:"circuitPolicyRef,omitempty"`

	// supportsPrefill says that the model goes on with an assistant's turn that a
	// request ends with, which most do not. Only such a backend can resume the
	// stream of a client that speaks its dialect, and be asked for a request that
	// ends so in the other dialect.
	// +optional
	SupportsPrefill bool `json:"supportsPrefill,omitempty"`

	// defaultMaxTokens limits an answer where the client speaks another dialect
	// than the backend, has named no limit, and the backend's dialect requires one,
	// as Anthropic's does. Default: 4096.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	DefaultMaxTokens *int32 `json:"defaultMaxTokens,omitempty"`
}

// BackendType is the dialect that a provider speaks.
// +kubebuilder:validation:Enum=OpenAI;Anthropic;HTTP
type BackendType string

// The types of backends.
const (
	BackendOpenAI    BackendType = "OpenAI"
	BackendAnthropic BackendType = "Anthropic"
	BackendHTTP      BackendType = "HTTP"
)

// Credentials says whose credential a provider is called with.
//
// +kubebuilder:validation:XValidation:rule="[has(self.secretRef), has(self.passthrough), has(self.none)].exists_one(x, x)",message="exactly one of secretRef, passthrough and none must be set"
type Credentials struct {
	// secretRef is the gateway's own credential.
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// passthrough sends the client's credential on.
	// +optional
	Passthrough *PassthroughCredentials `json:"passthrough,omitempty"`

	// none sends no credential; the client's is taken out.
	// +optional
	None *NoCredentials `json:"none,omitempty"`
}

// PassthroughCredentials has no settings.
type PassthroughCredentials struct{}

// NoCredentials has no settings.
type NoCredentials struct{}

// Auth says where a credential goes. Azure OpenAI wants it in the header
// api-key, without a prefix.
type Auth struct {
	// header that carries the credential. Default by type: x-api-key for
	// Anthropic, Authorization for all others.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$')",message="must be a header's name: letters, digits and !#$%&*+.^_|~-"
	// +kubebuilder:validation:XValidation:rule="!self.lowerAscii().startsWith('x-switchgear-') && !(self.lowerAscii() in ['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'te', 'trailer', 'upgrade'])",message="must not be a header of the connection (Host, Content-Length, Transfer-Encoding, Connection and the like), nor begin with x-switchgear-"
	Header string `json:"header,omitempty"`

	// prefix before the credential. Default: "Bearer " in the header
	// Authorization, nothing in any other.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[ -~]*$')",message="must be printable ASCII"
	Prefix *string `json:"prefix,omitempty"`
}

// BackendTLS says how a provider's certificate is checked.
type BackendTLS struct {
	// caSecretRef is a bundle of certificates in PEM, in place of the system's
	// authorities. Its Secret needs the label switchgear.dev/credentials too.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`

	// serverName that the certificate must be for. Default: the host of the url.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$')",message="must be a host name such as api.example.com"
	ServerName string `json:"serverName,omitempty"`
}
