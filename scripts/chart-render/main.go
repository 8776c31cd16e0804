// A small `helm template`: renders the manifests of one chart, for checks on machines without Helm.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// What the command line says.
type options struct {
	release, chart, namespace, kubeVersion string
	upgrade, notes                         bool
	values                                 []string
}

func read() options {
	var o options
	flag.StringVar(&o.namespace, "namespace", "default", "the namespace of the release")
	flag.StringVar(&o.kubeVersion, "kube-version", "1.31.0", "the version of Kubernetes")
	flag.BoolVar(&o.upgrade, "upgrade", false, "render an upgrade")
	flag.BoolVar(&o.notes, "notes", false, "print the notes, nothing else")
	flag.Parse()
	if flag.NArg() < 2 {
		fail(fmt.Errorf("RELEASE and CHART are missing"))
	}
	o.release, o.chart, o.values = flag.Arg(0), flag.Arg(1), flag.Args()[2:]
	return o
}

// What templates see besides themselves.
func builtIns(o options, chart map[string]any) map[string]any {
	values := load(filepath.Join(o.chart, "values.yaml"))
	for _, file := range o.values {
		values = merge(values, load(file))
	}
	capitals := map[string]any{}
	for name, value := range chart {
		capitals[strings.ToUpper(name[:1])+name[1:]] = value
	}
	version := strings.TrimPrefix(o.kubeVersion, "v")
	parts := append(strings.Split(version, "."), "", "")
	kube := kubeVersion{Version: "v" + version, Major: parts[0], Minor: parts[1]}
	return map[string]any{
		"Values": values,
		"Chart":  capitals,
		"Files":  openFiles(o.chart),
		"Release": map[string]any{"Name": o.release, "Namespace": o.namespace, "Service": "Helm",
			"IsInstall": !o.upgrade, "IsUpgrade": o.upgrade, "Revision": 1},
		"Capabilities": map[string]any{"KubeVersion": kube, "APIVersions": versions{}},
	}
}

func main() {
	o := read()
	chart := load(filepath.Join(o.chart, "Chart.yaml"))
	name, _ := chart["name"].(string)
	context := builtIns(o, chart)
	templates := template.New("chart").Option("missingkey=zero")
	templates.Funcs(functions(templates))
	var names []string
	root := filepath.Join(o.chart, "templates")
	fail(filepath.Walk(root, func(file string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		relative, err := filepath.Rel(o.chart, file)
		fail(err)
		text, err := os.ReadFile(file)
		fail(err)
		full := path.Join(name, filepath.ToSlash(relative))
		_, err = templates.New(full).Parse(string(text))
		fail(err)
		names = append(names, full)
		return nil
	}))
	sort.Strings(names)
	for _, full := range names {
		notes := path.Base(full) == "NOTES.txt"
		if strings.HasPrefix(path.Base(full), "_") || notes != o.notes {
			continue
		}
		context["Template"] = map[string]any{"Name": full, "BasePath": path.Join(name, "templates")}
		var out bytes.Buffer
		fail(templates.ExecuteTemplate(&out, full, context))
		text := strings.ReplaceAll(out.String(), "<no value>", "")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if notes {
			fmt.Print(text)
		} else {
			fmt.Printf("---\n# Source: %s\n%s\n", full, text)
		}
	}
}
