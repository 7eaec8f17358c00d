// Package sdk tries the gateway with the providers' official SDKs, unmodified, as
// an application would use them: only the base URL is another.
package sdk
