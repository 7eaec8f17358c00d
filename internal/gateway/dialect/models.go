package dialect

import "time"

// Model is what a list of models tells of one.
type Model struct {
	ID string
	// Owner is whose it is; in Anthropic's dialect there is no place for it.
	Owner string
}

// ModelBody describes a model. When it came out is unknown, which Anthropic's
// dialect says by the epoch, and so does the gateway in both.
func ModelBody(d Dialect, m Model) []byte {
	if d == Anthropic {
		return mustMarshal(anthropicModelOf(m))
	}
	return mustMarshal(openAIModelOf(m))
}

// ModelList lists models in OpenAI's dialect.
func ModelList(models []Model) []byte {
	data := make([]openAIModel, len(models))
	for i, m := range models {
		data[i] = openAIModelOf(m)
	}
	return mustMarshal(struct {
		Object string        `json:"object"`
		Data   []openAIModel `json:"data"`
	}{"list", data})
}

// ModelPage lists models in Anthropic's dialect, as one page of perhaps more.
func ModelPage(models []Model, more bool) []byte {
	var page struct {
		Data    []anthropicModel `json:"data"`
		FirstID *string          `json:"first_id"`
		LastID  *string          `json:"last_id"`
		HasMore bool             `json:"has_more"`
	}
	page.Data = make([]anthropicModel, len(models))
	for i, m := range models {
		page.Data[i] = anthropicModelOf(m)
	}
	if n := len(models); n > 0 {
		page.FirstID, page.LastID = &models[0].ID, &models[n-1].ID
	}
	page.HasMore = more
	return mustMarshal(page)
}

type openAIModel struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func openAIModelOf(m Model) openAIModel {
	return openAIModel{ID: m.ID, Object: "model", OwnedBy: m.Owner}
}

type anthropicModel struct {
	Type        string    `json:"type"`
	ID          string    `json:"id"`
	DisplayName string    `json:"display_name"`
	CreatedAt   time.Time `json:"created_at"`
}

func anthropicModelOf(m Model) anthropicModel {
	return anthropicModel{Type: "model", ID: m.ID, DisplayName: m.ID, CreatedAt: time.Unix(0, 0).UTC()}
}
