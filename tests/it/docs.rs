//! The documents: what they point at is there, and nothing in them is true on one machine only.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// Beginnings of paths that are somebody's own.
const MACHINES: &[&str] = &["/home/", "/root/", "/Users/", "/tmp/", "/mnt/", "C:\\"];

/// Folders that a path in backticks may begin with when it means a file of this repository.
const FOLDERS: &[&str] = &[
    "benches/",
    "docs/",
    "examples/",
    "migrations/",
    "proto/",
    "scripts/",
    "src/",
    "tests/",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents: those at the root, and everything below `docs`.
fn documents() -> Vec<PathBuf> {
    let mut left = vec![root().join("docs")];
    let mut documents = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            left.push(path);
        }
    }
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "md") {
            documents.push(path);
        }
    }
    for wanted in ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md"] {
        assert!(documents.contains(&root().join(wanted)), "{wanted} is gone");
    }
    documents
}

fn name(path: &Path) -> String {
    let name = path.strip_prefix(root()).unwrap_or(path);
    name.to_string_lossy().into_owned()
}

/// The lines of a text that are prose: no fenced or indented code.
fn prose(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && !line.starts_with("    ") {
            lines.push(line);
        }
    }
    lines
}

/// A line without what stands between backticks, and what stands there.
fn split_code(line: &str) -> (String, Vec<&str>) {
    let parts: Vec<&str> = line.split('`').collect();
    let prose = parts.iter().step_by(2).copied().collect::<Vec<_>>();
    let code = parts.iter().skip(1).step_by(2).copied().collect();
    (prose.join(" "), code)
}

/// Where the links of a text lead.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        let (line, _) = split_code(line);
        let mut rest = line.as_str();
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let end = rest.find(')').unwrap_or(rest.len());
            links.push(rest[..end].trim().to_owned());
        }
    }
    links
}

/// The anchors that headings make, as code hosts make them.
fn anchors(text: &str) -> HashSet<String> {
    prose(text)
        .iter()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// What is wrong with the links of a text that stands in a folder.
fn broken_links(folder: &Path, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for link in links(text) {
        let elsewhere = ["https://", "http://", "mailto:"];
        if elsewhere.iter().any(|scheme| link.starts_with(scheme)) {
            continue;
        }
        let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
        let target = folder.join(path);
        let there = if path.is_empty() {
            Some(text.to_owned())
        } else if target.is_dir() {
            Some(String::new())
        } else {
            fs::read_to_string(&target).ok()
        };
        match there {
            None => broken.push(format!("{link}: no such file")),
            Some(target) if !anchor.is_empty() && !anchors(&target).contains(anchor) => {
                broken.push(format!("{link}: no such heading"));
            }
            Some(_) => (),
        }
    }
    broken
}

/// Paths in backticks that mean a file of this repository and name none.
fn broken_paths(text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for line in prose(text) {
        for code in split_code(line).1 {
            let ours = FOLDERS.iter().any(|folder| code.starts_with(folder));
            let pattern = code.contains(|c: char| "*<>{}".contains(c));
            let path = code.split([' ', ':']).next().unwrap_or_default();
            if ours && !pattern && !root().join(path).exists() {
                broken.push(format!("`{code}`: no such file"));
            }
        }
    }
    broken
}

/// Places that exist on one machine only.
fn machines(text: &str, here: &str) -> Vec<String> {
    text.lines()
        .filter(|line| {
            // A root directory of one letter or so would be found in any path.
            let at_home = here.len() > 4 && line.contains(here);
            at_home || MACHINES.iter().any(|machine| line.contains(machine))
        })
        .map(str::to_owned)
        .collect()
}

fn no_document(check: impl Fn(&Path, &str) -> Vec<String>) {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for one in check(document.parent().unwrap(), &text) {
            wrong.push(format!("{}: {one}", name(&document)));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    no_document(broken_links);

    let docs = root().join("docs");
    let broken = |text: &str| broken_links(&docs, text).len();
    assert_eq!(broken("[a](nowhere.md)"), 1);
    assert_eq!(broken("[a](../README.md) and [b](nowhere.md)"), 1);
    assert_eq!(broken("[a](import.md#no-such-heading)"), 1);
    assert_eq!(
        broken("[a](import.md#undo), [b](errors), [c](https://a.example)"),
        0
    );
    assert_eq!(broken("# A `b` (c)\n[a](#a-b-c)"), 0);
    assert_eq!(broken("`[a](nowhere.md)`\n```\n[a](nowhere.md)\n```"), 0);
}

#[test]
fn every_file_that_a_document_names_is_there() {
    no_document(|_, text| broken_paths(text));

    assert_eq!(broken_paths("see `src/nowhere.rs`").len(), 1);
    assert_eq!(broken_paths("see `src/lib.rs`, `src/*.rs`, `a/b`").len(), 0);
}

#[test]
fn no_document_speaks_of_one_machine() {
    let here = root().to_str().unwrap();
    no_document(|_, text| machines(text, here));

    assert_eq!(machines("in /home/someone/a", here).len(), 1);
    assert_eq!(machines("in /srv/checkout/a", "/srv/checkout").len(), 1);
    assert_eq!(machines("in /var/lib/customer-profile", here).len(), 0);
}
