// Package providersim plays an LLM provider: it speaks OpenAI's and Anthropic's
// dialects, streamed and not, breaks in every way a provider is known to break,
// and keeps a log of what it was asked.
//
// It serves tests as a library (Start) and the demo as a program
// (cmd/providersim). Faults are switched while it runs, from Go with
// Sim.SetFault and Sim.Heal or over HTTP under /_sim/.
//
// Answers are deterministic and name the provider, so that a reader sees who
// answered: "openai-sim: word1 word2 ...".
//
// The package plays the other side of the wire. It imports the standard
// library and gjson only, and nothing of this project, so that a mistake in
// the gateway's idea of a dialect is not repeated here.
package providersim
