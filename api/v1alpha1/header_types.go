package v1alpha1

// HeaderMatch is a header that a request must have.
type HeaderMatch struct {
	// name of the header; upper and lower case are the same.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$')",message="must be a header's name: letters, digits and !#$%&*+.^_|~-"
	// +kubebuilder:validation:XValidation:rule="!(self.lowerAscii() in ['authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'cookie'])",message="must not match on a credential"
	Name string `json:"name"`

	// value that the header must have, exactly.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-~]([ -~]*[!-~])?$')",message="must be printable ASCII without spaces at its ends"
	Value string `json:"value"`
}

// HTTPHeader is a header that is set on calls to a backend.
type HTTPHeader struct {
	// name of the header; upper and lower case are the same.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$')",message="must be a header's name: letters, digits and !#$%&*+.^_|~-"
	// +kubebuilder:validation:XValidation:rule="!self.lowerAscii().startsWith('x-switchgear-') && !(self.lowerAscii() in ['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'te', 'trailer', 'upgrade'])",message="must not be a header of the connection (Host, Content-Length, Transfer-Encoding, Connection and the like), nor begin with x-switchgear-"
	// +kubebuilder:validation:XValidation:rule="!(self.lowerAscii() in ['authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'cookie'])",message="must not carry a credential: it belongs in a Secret, see credentials.secretRef and auth"
	Name string `json:"name"`

	// value of the header.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-~]([ -~]*[!-~])?$')",message="must be printable ASCII without spaces at its ends"
	Value string `json:"value"`
}

// QueryParameter is a parameter that is set in the URL of calls to a backend.
type QueryParameter struct {
	// name of the parameter.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9._~$-]+$')",message="must be of letters, digits and ._~$-"
	Name string `json:"name"`

	// value of the parameter, not escaped.
	// +required
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[ -~]*$')",message="must be printable ASCII"
	Value string `json:"value"`
}
