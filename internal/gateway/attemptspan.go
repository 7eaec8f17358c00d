package gateway

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// attemptSpan is the span of one call of a provider; its zero value, where there
// are no traces, does nothing.
type attemptSpan struct {
	trace.Span
	model string // that has answered
	reads int    // of what might tell it
}

// maxModelReads is how many events are looked through for the model: it is told at
// the beginning or never.
const maxModelReads = 8

// upstreamModel is the model that the provider is asked for.
func (a *attempt) upstreamModel() string {
	if a.b.Model != "" {
		return a.b.Model
	}
	return a.x.request.Model
}

// startSpan begins the attempt's span, below the request's.
func (a *attempt) startSpan() {
	x := a.x
	if x.span == nil {
		return
	}
	_, a.span.Span = x.g.options.Tracer.Start(trace.ContextWithSpan(context.Background(), x.span),
		x.spanName(a.upstreamModel()), trace.WithSpanKind(trace.SpanKindClient))
	if !a.span.IsRecording() {
		return
	}
	attrs := append(x.operationAttributes(), routeKey.String(x.target.route.Name), namespaceKey.String(x.target.route.Namespace),
		backendKey.String(a.b.Name), circuitKey.String(a.c.key.String()), attemptKey.Int(x.attempts),
		semconv.ServerAddressKey.String(a.b.peer.address), semconv.ServerPortKey.Int(a.b.peer.port),
		semconv.HTTPRequestMethodKey.String(knownMethod(x.r.Method)))
	if x.endpoint != nil {
		attrs = append(attrs, semconv.GenAIProviderNameKey.String(a.b.peer.provider), semconv.GenAIRequestModelKey.String(clipped(a.upstreamModel())))
	}
	a.span.SetAttributes(attrs...)
}

// inject has the provider's spans hang below the attempt's. Without traces, what
// the client sent goes on untouched.
func (s *attemptSpan) inject(h http.Header) {
	if s.Span == nil {
		return
	}
	delete(h, "Traceparent")
	delete(h, "Tracestate")
	w3c.Inject(trace.ContextWithSpanContext(context.Background(), s.SpanContext()), propagation.HeaderCarrier(h))
}

// read looks for the model that has answered, until it is known.
func (s *attemptSpan) read(data []byte) {
	if s.Span != nil && s.model == "" && s.reads < maxModelReads && s.IsRecording() {
		s.reads++
		s.model = dialect.AnswerModel(data)
	}
}

// endSpan ends the attempt's span, with what it has come to.
func (a *attempt) endSpan(c Class, status int) {
	if a.span.Span == nil {
		return
	}
	defer a.span.End()
	if !a.span.IsRecording() {
		return
	}
	a.span.SetAttributes(classKey.String(c.String()))
	if status != 0 {
		a.span.SetAttributes(semconv.HTTPResponseStatusCodeKey.Int(status))
	}
	if a.span.model != "" {
		a.span.SetAttributes(semconv.GenAIResponseModelKey.String(clipped(a.span.model)))
	}
	if a.cost.first != 0 && a.streamed() {
		a.span.SetAttributes(semconv.GenAIResponseTimeToFirstChunkKey.Float64((a.cost.first - a.begun).Seconds()))
	}
	if t := a.cost.tokens; t != (dialect.Tokens{}) {
		a.span.SetAttributes(semconv.GenAIUsageInputTokensKey.Int64(t.Input), semconv.GenAIUsageOutputTokensKey.Int64(t.Output),
			semconv.GenAIUsageCacheReadInputTokensKey.Int64(t.CacheRead), semconv.GenAIUsageCacheCreationInputTokensKey.Int64(t.CacheWrite))
	}
	if c == Success {
		return
	}
	a.span.SetAttributes(semconv.ErrorTypeKey.String(c.String()))
	if c != ClientGone {
		a.span.SetStatus(codes.Error, c.String())
	}
}
