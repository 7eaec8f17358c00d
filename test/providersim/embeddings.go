package providersim

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
)

// The number of dimensions of an embedding: by default, and at most.
const (
	defaultDimensions = 8
	maxDimensions     = 4096
)

// embeddingsWhole is one vector for each input, the same for the same text.
func (c *call) embeddingsWhole() []byte {
	var inputs []string
	input := c.body.Get("input")
	switch first := input.Get("0"); {
	case input.IsArray() && (first.IsArray() || first.Type.String() == "String"):
		for _, in := range input.Array() {
			inputs = append(inputs, in.Raw)
		}
	default: // A string, or an array of token numbers, which is one input.
		inputs = []string{input.Raw}
	}
	dimensions := defaultDimensions
	if d := c.body.Get("dimensions"); d.Int() > 0 {
		dimensions = int(min(d.Int(), maxDimensions))
	}
	data := make([]string, len(inputs))
	for i, in := range inputs {
		data[i] = fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":%s}`, i, c.vector(in, dimensions))
	}
	tokens := c.promptTokens()
	return fmt.Appendf(nil, `{"object":"list","data":[%s],"model":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`,
		strings.Join(data, ","), quote(c.model), tokens, tokens)
}

// vector is a list of floats, or, as the official SDKs ask, the base64 of
// little-endian float32s.
func (c *call) vector(input string, dimensions int) string {
	floats := make([]float32, dimensions)
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.x.sim.options.Name + input)) // A hash never fails.
	for i := range floats {
		_, _ = h.Write([]byte{byte(i)})
		floats[i] = float32(h.Sum32()%2000)/1000 - 1
	}
	if c.body.Get("encoding_format").String() != "base64" {
		b, _ := json.Marshal(floats) // Finite floats always marshal.
		return string(b)
	}
	var raw []byte
	for _, f := range floats {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return quote(base64.StdEncoding.EncodeToString(raw))
}
