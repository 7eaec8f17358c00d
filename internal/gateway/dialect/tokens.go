package dialect

import "github.com/tidwall/gjson"

// Tokens are what an answer has cost, as the provider says it; what it does not
// say is 0.
type Tokens struct {
	// Input are all tokens of the prompt. CacheRead of them came from the
	// provider's cache, and CacheWrite went into it.
	Input, CacheRead, CacheWrite int64
	// Output are all tokens of the answer, hidden reasoning included.
	Output int64
}

// Plus adds what two answers have cost.
func (t Tokens) Plus(v Tokens) Tokens {
	return Tokens{t.Input + v.Input, t.CacheRead + v.CacheRead, t.CacheWrite + v.CacheWrite, t.Output + v.Output}
}

// maxTokens keeps a provider's nonsense out of the sums.
const maxTokens = 1 << 40

// tally reads usage reports. A later report of a stream replaces what an earlier
// one has said.
type tally struct {
	sum Tokens
	// beside means that the cache's tokens are not among the input's, as in the
	// Messages API.
	beside bool
}

// Tokens are what was reported so far.
func (t *tally) Tokens() Tokens {
	u := t.sum
	if t.beside {
		u.Input += u.CacheRead + u.CacheWrite
	}
	return u
}

// read takes in a report in the words of any endpoint.
func (t *tally) read(report gjson.Result) {
	if !report.IsObject() {
		return
	}
	report.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "prompt_tokens", "input_tokens":
			count(&t.sum.Input, v)
		case "completion_tokens", "output_tokens":
			count(&t.sum.Output, v)
		case "cache_read_input_tokens":
			t.beside = count(&t.sum.CacheRead, v) || t.beside
		case "cache_creation_input_tokens":
			t.beside = count(&t.sum.CacheWrite, v) || t.beside
		case "prompt_tokens_details", "input_tokens_details":
			count(&t.sum.CacheRead, v.Get("cached_tokens"))
		}
		return true
	})
}

// count takes in a number, where there is one.
func count(n *int64, v gjson.Result) bool {
	if v.Type != gjson.Number {
		return false
	}
	*n = min(max(v.Int(), 0), maxTokens)
	return true
}
