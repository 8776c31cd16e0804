package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	yaml "gopkg.in/yaml.v3"
)

// The version of Kubernetes; it prints as its version, as Helm's does.
type kubeVersion struct{ Version, Major, Minor string }

func (v kubeVersion) String() string     { return v.Version }
func (v kubeVersion) GitVersion() string { return v.Version }

// The versions of APIs that a cluster has: all of them.
type versions struct{}

func (versions) Has(string) bool { return true }

// By way of JSON, so that whole numbers are written as such.
func toYAML(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	var node any
	if yaml.Unmarshal(text, &node) != nil {
		return ""
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if encoder.Encode(node) != nil {
		return ""
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func fromYAML(text string) map[string]any {
	values, err := asJSON([]byte(text))
	if err != nil {
		return map[string]any{"Error": err.Error()}
	}
	return values
}

func functions(templates *template.Template) template.FuncMap {
	known := sprig.TxtFuncMap()
	delete(known, "env")
	delete(known, "expandenv")
	known["toYaml"] = toYAML
	known["fromYaml"] = fromYAML
	known["fromYamlArray"] = func(text string) []any {
		var list []any
		if err := yaml.Unmarshal([]byte(text), &list); err != nil {
			return []any{err.Error()}
		}
		return list
	}
	known["include"] = func(name string, data any) (string, error) {
		var out bytes.Buffer
		err := templates.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	known["tpl"] = func(text string, data any) (string, error) {
		clone, err := templates.Clone()
		if err != nil {
			return "", err
		}
		parsed, err := clone.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out bytes.Buffer
		err = parsed.Execute(&out, data)
		return out.String(), err
	}
	known["required"] = func(message string, value any) (any, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	known["lookup"] = func(...string) map[string]any { return map[string]any{} }
	return known
}
