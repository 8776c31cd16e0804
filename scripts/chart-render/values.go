package main

import (
	"encoding/json"
	"os"

	yaml "gopkg.in/yaml.v3"
)

// As Helm does it: YAML is read as JSON, so that every number is a float64 and 1000000 prints as 1e+06 where a template
// forgets to say what it is.
func asJSON(from []byte) (map[string]any, error) {
	var node any
	if err := yaml.Unmarshal(from, &node); err != nil {
		return nil, err
	}
	text, err := json.Marshal(node)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if node == nil {
		return values, nil
	}
	return values, json.Unmarshal(text, &values)
}

func load(file string) map[string]any {
	text, err := os.ReadFile(file)
	fail(err)
	values, err := asJSON(text)
	fail(err)
	return values
}

// The second over the first; null takes a key out.
func merge(under, over map[string]any) map[string]any {
	for key, value := range over {
		if value == nil {
			delete(under, key)
			continue
		}
		if inner, ok := value.(map[string]any); ok {
			if below, ok := under[key].(map[string]any); ok {
				under[key] = merge(below, inner)
				continue
			}
		}
		under[key] = value
	}
	return under
}
