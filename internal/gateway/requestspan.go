package gateway

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// Attributes for which there is no convention.
const (
	namespaceKey = attribute.Key("switchgear.namespace")
	routeKey     = attribute.Key("switchgear.route")
	backendKey   = attribute.Key("switchgear.backend")
	classKey     = attribute.Key("switchgear.class")
	attemptsKey  = attribute.Key("switchgear.attempts")
	attemptKey   = attribute.Key("switchgear.attempt")
	circuitKey   = attribute.Key("switchgear.circuit")
	requestIDKey = attribute.Key("switchgear.request_id")
	refusalKey   = attribute.Key("switchgear.refusal")
)

// w3c carries a trace from the client and on to the provider.
var w3c propagation.TraceContext

// startSpan begins the request's span, below the client's, where there are
// traces.
func (x *exchange) startSpan() {
	t := x.g.options.Tracer
	if t == nil {
		return
	}
	ctx := w3c.Extract(context.Background(), propagation.HeaderCarrier(x.r.Header))
	_, x.span = t.Start(ctx, knownMethod(x.r.Method), trace.WithSpanKind(trace.SpanKindServer))
}

// endSpan ends the request's span, with what it has come to.
func (x *exchange) endSpan() {
	if x.span == nil {
		return
	}
	defer x.span.End()
	if !x.span.IsRecording() {
		return
	}
	x.span.SetName(x.spanName(x.request.Model))
	attrs := append(x.operationAttributes(), semconv.HTTPRequestMethodKey.String(knownMethod(x.r.Method)),
		requestIDKey.String(x.id), attemptsKey.Int(x.attempts))
	if x.request.Model != "" {
		attrs = append(attrs, semconv.GenAIRequestModelKey.String(clipped(x.request.Model)))
	}
	if at := x.served(); at != "" {
		attrs = append(attrs, semconv.HTTPRouteKey.String(at))
	}
	if code := x.status.code; code != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCodeKey.Int(code))
	}
	if r := x.target.route; r != nil {
		attrs = append(attrs, namespaceKey.String(r.Namespace), routeKey.String(r.Name))
	}
	why := x.ownCode()
	if b := x.sum.backend; b != nil {
		attrs = append(attrs, backendKey.String(b.Name), classKey.String(x.sum.class.String()))
		why = x.sum.class.String()
	}
	if x.failed() {
		attrs = append(attrs, semconv.ErrorTypeKey.String(why))
	}
	// A refusal of the request is the client's error, and so is its leaving.
	broke := x.status.code == http.StatusOK && x.failed() && x.sum.class != ClientGone
	if x.status.code >= http.StatusInternalServerError || broke {
		x.span.SetStatus(codes.Error, why)
	}
	x.span.SetAttributes(attrs...)
}

// operationAttributes tell what is asked for.
func (x *exchange) operationAttributes() []attribute.KeyValue {
	if x.endpoint == nil || x.endpoint.Operation() == "" {
		return nil
	}
	return []attribute.KeyValue{
		semconv.GenAIOperationNameKey.String(x.endpoint.Operation()),
		semconv.GenAIRequestStreamKey.Bool(x.request.Stream),
	}
}

// spanName names a span as the conventions do: after the operation and the model,
// or after the method and the place.
func (x *exchange) spanName(model string) string {
	if x.endpoint != nil && x.endpoint.Operation() != "" {
		if x.target.route == nil || model == "" {
			return x.endpoint.Operation()
		}
		return x.endpoint.Operation() + " " + clipped(model)
	}
	if at := x.served(); at != "" {
		return knownMethod(x.r.Method) + " " + at
	}
	return knownMethod(x.r.Method)
}

// traceRefusal tells that a circuit or its bulkhead has let no call through.
func (x *exchange) traceRefusal(b *liveBackend, r circuit.Refusal) {
	if x.span != nil {
		x.span.AddEvent("switchgear.refused", trace.WithAttributes(backendKey.String(b.Name), refusalKey.String(r.Reason.String())))
	}
}
