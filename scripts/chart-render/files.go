package main

import (
	"encoding/base64"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// The files of a chart by their paths, but for templates and what .helmignore names.
type files map[string][]byte

func openFiles(chart string) files {
	ignored := []string{}
	if text, err := os.ReadFile(filepath.Join(chart, ".helmignore")); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") {
				ignored = append(ignored, line)
			}
		}
	}
	found := files{}
	fail(filepath.Walk(chart, func(file string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(chart, file)
		fail(err)
		name = filepath.ToSlash(name)
		for _, pattern := range ignored {
			folder := strings.HasSuffix(pattern, "/")
			trimmed := strings.Trim(pattern, "/")
			byName, _ := path.Match(trimmed, path.Base(name))
			byPath, _ := path.Match(trimmed, name)
			if (byName || byPath) && (!folder || info.IsDir()) {
				if info.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
		}
		if info.IsDir() {
			if name == "templates" || name == "charts" {
				return filepath.SkipDir
			}
			return nil
		}
		if name == "Chart.yaml" || name == "values.yaml" || name == "values.schema.json" {
			return nil
		}
		found[name], err = os.ReadFile(file)
		return err
	}))
	return found
}

func (f files) GetBytes(name string) []byte { return f[name] }

func (f files) Get(name string) string { return string(f[name]) }

func (f files) Lines(name string) []string {
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}

func (f files) Glob(pattern string) files {
	found := files{}
	for name, text := range f {
		if matches, _ := path.Match(pattern, name); matches {
			found[name] = text
		}
	}
	return found
}

// Every file under its last name, as the data of a ConfigMap.
func (f files) AsConfig() string {
	data := map[string]string{}
	for name, text := range f {
		data[path.Base(name)] = string(text)
	}
	return toYAML(data)
}

// The same, as the data of a Secret.
func (f files) AsSecrets() string {
	data := map[string]string{}
	for name, text := range f {
		data[path.Base(name)] = base64.StdEncoding.EncodeToString(text)
	}
	return toYAML(data)
}
