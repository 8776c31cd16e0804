//! The rules of the rooms, looked for in the source text.
//!
//! A rule is a function from a file to its breaches, so each is also tried on a text that breaches it: a rule that cannot
//! fail says nothing. Comments and the contents of strings are told apart from code first ([`Source`]).

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Files that compute and do nothing else: rooms by their folder, others by their name.
const PURE: &[&str] = &[
    "src/identity/",
    "src/profile/",
    "src/generate/",
    "src/picture/",
    "src/sentiment/",
    "src/experience/",
    "src/criteria/",
    "src/next_best_action/",
    "src/calendar.rs",
    "src/visible.rs",
    "src/ids.rs",
    "src/clock.rs",
    "src/actions/plan.rs",
    "src/ingest/model.rs",
    "src/ingest/plan.rs",
    "src/grpc/validate/",
    "src/analyzer/answer",
    "src/breaker.rs",
    "src/cache/memory",
    "src/cache/rule.rs",
    "src/cache/sealed.rs",
    "src/cache/settled",
    "src/feed/order.rs",
    "src/feed/place.rs",
    "src/feed/laws.rs",
    "src/relay/event.rs",
    "src/replicas/fit.rs",
    "src/lookup/gathered.rs",
    "src/auth/jwt/",
    "src/auth/certificate.rs",
    "src/auth/grant.rs",
    "src/telemetry/limiter.rs",
    "src/cli/import/mapping/",
    "src/cli/import/row",
    "src/cli/import/protocol.rs",
    "src/cli/import/money.rs",
    "src/cli/import/time.rs",
];

/// What pure files know nothing of.
const IMPURE: &[&str] = &["tokio", "sqlx", "tonic", "redis", "hyper", "tower"];

/// What each room knows nothing of. `grpc -> ingest, lookup -> storage`; everything may use the pure rooms.
const UNKNOWN: &[(&str, &[&str])] = &[
    (
        "src/identity/",
        &[
            "app", "auth", "cli", "config", "embedded", "grpc", "ingest", "lookup", "storage",
            "tenants", "verify", "worker",
        ],
    ),
    (
        "src/profile/",
        &[
            "app", "auth", "cli", "config", "embedded", "grpc", "ingest", "lookup", "storage",
            "tenants", "verify", "worker",
        ],
    ),
    (
        "src/sentiment/",
        &[
            "app", "auth", "cli", "config", "embedded", "figures", "grpc", "ingest", "lookup",
            "storage", "tenants", "verify", "worker",
        ],
    ),
    (
        "src/experience/",
        &[
            "app", "auth", "cli", "config", "embedded", "figures", "grpc", "ingest", "lookup",
            "storage", "tenants", "verify", "worker",
        ],
    ),
    (
        "src/criteria/",
        &[
            "app", "auth", "cli", "config", "embedded", "figures", "grpc", "ingest", "lookup",
            "storage", "tenants", "verify", "worker",
        ],
    ),
    (
        "src/next_best_action/",
        &[
            "app", "auth", "cli", "config", "embedded", "figures", "grpc", "ingest", "lookup",
            "storage", "tenants", "verify", "worker",
        ],
    ),
    (
        "src/actions/",
        &[
            "app", "auth", "cli", "config", "embedded", "grpc", "ingest", "lookup", "verify",
            "worker",
        ],
    ),
    (
        "src/figures/",
        &[
            "app", "auth", "cli", "embedded", "grpc", "ingest", "verify", "worker",
        ],
    ),
    (
        "src/generate/",
        &[
            "app", "auth", "cli", "config", "embedded", "ingest", "lookup", "storage", "tenants",
            "verify", "worker",
        ],
    ),
    (
        "src/storage/",
        &[
            "app", "auth", "cli", "config", "embedded", "grpc", "ingest", "lookup", "tenants",
            "verify", "worker",
        ],
    ),
    (
        "src/ingest/",
        &[
            "app", "auth", "cli", "embedded", "grpc", "lookup", "verify", "worker",
        ],
    ),
    (
        "src/cache/",
        &[
            "app", "auth", "cli", "decide", "embedded", "grpc", "ingest", "lookup", "tenants",
            "verify", "worker",
        ],
    ),
    (
        "src/lookup/",
        &[
            "app", "auth", "cli", "embedded", "explain", "grpc", "ingest", "verify", "worker",
        ],
    ),
    (
        "src/feed/",
        &[
            "app", "cli", "config", "decide", "embedded", "grpc", "ingest", "verify", "worker",
        ],
    ),
    (
        "src/relay/",
        &[
            "app", "cli", "decide", "embedded", "grpc", "ingest", "verify", "worker",
        ],
    ),
    (
        "src/replicas/",
        &[
            "app", "auth", "cli", "config", "decide", "embedded", "grpc", "ingest", "lookup",
            "verify", "worker",
        ],
    ),
    (
        "src/explain/",
        &[
            "app", "auth", "cli", "embedded", "grpc", "picture", "verify", "worker",
        ],
    ),
    (
        "src/picture/",
        &[
            "app", "auth", "cli", "config", "decide", "embedded", "explain", "grpc", "ingest",
            "lookup", "storage", "tenants", "verify", "worker",
        ],
    ),
    (
        "src/past/",
        &[
            "app", "auth", "cli", "embedded", "grpc", "ingest", "verify", "worker",
        ],
    ),
    (
        "src/embedded/",
        &[
            "app", "auth", "cli", "grpc", "ingest", "lookup", "storage", "verify", "worker",
        ],
    ),
    (
        "src/analyzer/",
        &[
            "app", "auth", "cli", "config", "embedded", "grpc", "ingest", "lookup", "storage",
            "tenants", "verify", "worker",
        ],
    ),
    (
        "src/tls/",
        &[
            "app", "cli", "config", "embedded", "grpc", "ingest", "lookup", "storage", "tenants",
            "verify", "worker",
        ],
    ),
    (
        "src/auth/",
        &[
            "app", "cli", "config", "embedded", "ingest", "lookup", "storage", "tenants", "tls",
            "verify", "worker",
        ],
    ),
    ("src/grpc/", &["app", "cli", "embedded", "verify", "worker"]),
];

/// Functions of `tonic::Status` that make one; `from` and `from_header_map` only pass one on.
const CONSTRUCTORS: &[&str] = &[
    "new",
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
    "with_details",
    "with_metadata",
    "with_details_and_metadata",
    "with_error_details",
    "with_error_details_vec",
    "from_error",
];

/// How SQL begins; it is written in capitals.
const SQL: &[&str] = &[
    "SELECT ",
    "SELECT\n",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "DROP ",
    "TRUNCATE ",
    "LOCK TABLE ",
];

/// Lines of a file.
const LONGEST: usize = 450;

/// Files that may be longer, each with the reason why it is not divided.
const LONGER: &[(&str, usize, &str)] = &[
    (
        "src/ingest/plan.rs",
        500,
        "one pure function and its steps: what a batch writes is read from top to bottom",
    ),
    ("src/telemetry/names.rs", 680, "a catalogue"),
];

/// Names that say nothing about what is inside.
const DRAWERS: &[&str] = &[
    "core", "common", "commons", "util", "utils", "helper", "helpers", "misc", "shared",
];

/// A file of ours, its code without comments, and its strings.
struct Source {
    /// From the root of the repository, with `/`.
    path: String,
    text: String,
    /// The text with comments, strings and characters blanked out; lines stay where they are.
    code: String,
    /// Every string with the line where it begins.
    strings: Vec<(usize, String)>,
}

/// A word or sign with its line.
type Token<'a> = (usize, &'a str);

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: String::with_capacity(text.len()),
            strings: Vec::new(),
        };
        let mut rest = text;
        let mut line = 1;
        while let Some(first) = rest.chars().next() {
            let (length, kind) = piece(rest, source.code.chars().last());
            let (taken, later) = rest.split_at(length);
            if kind == Piece::Code {
                source.code.push(first);
            } else {
                let blank = |c| if c == '\n' { '\n' } else { ' ' };
                source.code.extend(taken.chars().map(blank));
            }
            if kind == Piece::Text {
                source.strings.push((line, taken.to_owned()));
            }
            line += taken.matches('\n').count();
            rest = later;
        }
        source
    }

    fn tokens(&self) -> Vec<Token<'_>> {
        let mut tokens = Vec::new();
        for (n, line) in self.code.lines().enumerate() {
            let mut rest = line.trim_start();
            while let Some(first) = rest.chars().next() {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                let length = if is_word(first) {
                    rest.find(|c| !is_word(c)).unwrap_or(rest.len())
                } else if rest.starts_with("::") {
                    2
                } else {
                    first.len_utf8()
                };
                tokens.push((n + 1, &rest[..length]));
                rest = rest[length..].trim_start();
            }
        }
        tokens
    }

    /// The tokens before an inline module of tests, which stands at the end of a file.
    fn tokens_without_tests(&self) -> Vec<Token<'_>> {
        let mut tokens = self.tokens();
        let is_test = |part: &[Token<'_>]| {
            let words: Vec<&str> = part.iter().map(|(_, word)| *word).collect();
            words[..8] == ["#", "[", "cfg", "(", "test", ")", "]", "mod"] && words[9] == "{"
        };
        if let Some(start) = tokens.windows(10).position(is_test) {
            tokens.truncate(start);
        }
        tokens
    }

    fn is_of_tests(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("tests.rs")
    }

    fn lies_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }

    fn breach(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Code,
    Comment,
    Text,
    Character,
}

/// How long the first piece of a text is, and what it is. Code goes one character at a time.
fn piece(text: &str, before: Option<char>) -> (usize, Piece) {
    let one = text.chars().next().map_or(1, char::len_utf8);
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), Piece::Comment);
    }
    if text.starts_with("/*") {
        let end = text.find("*/").map_or(text.len(), |at| at + 2);
        return (end, Piece::Comment);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let (false, Some(raw)) = (in_word, text.strip_prefix('r')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let begin = 1 + hashes + 1;
            let end = text[begin..].find(&close);
            return (
                end.map_or(text.len(), |at| begin + at + close.len()),
                Piece::Text,
            );
        }
    }
    if text.starts_with('"') {
        return (quoted(text, '"'), Piece::Text);
    }
    let mut chars = text.chars();
    if let (Some('\''), Some(second), third) = (chars.next(), chars.next(), chars.next())
        && (second == '\\' || third == Some('\''))
    {
        return (quoted(text, '\''), Piece::Character);
    }
    (one, Piece::Code)
}

/// The length of a quoted text with its quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => (),
        }
    }
    text.len()
}

/// The first names of all paths that begin at `root`, also those in braces: `root::{a::b, c}` has `a` and `c`.
fn names_below<'a>(tokens: &[Token<'a>], root: &str) -> Vec<Token<'a>> {
    let mut names = Vec::new();
    for (n, part) in tokens.windows(3).enumerate() {
        let [(_, first), (_, colons), third] = part else {
            continue;
        };
        if *first != root || *colons != "::" {
            continue;
        }
        if third.1 != "{" {
            names.push(*third);
            continue;
        }
        let mut depth = 0;
        let mut begins = false;
        for token in &tokens[n + 2..] {
            match token.1 {
                "{" => {
                    depth += 1;
                    begins = depth == 1;
                }
                "}" => depth -= 1,
                "," => begins = depth == 1,
                _ if begins => {
                    names.push(*token);
                    begins = false;
                }
                _ => (),
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

fn knows_the_world(source: &Source) -> Vec<String> {
    if !source.lies_in(PURE) {
        return Vec::new();
    }
    let tokens = source.tokens();
    tokens
        .iter()
        .filter(|(_, word)| IMPURE.contains(word))
        .map(|(line, word)| source.breach(*line, &format!("a pure file names {word}")))
        .collect()
}

fn knows_another_room(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let mut named = names_below(&tokens, "crate");
    named.extend(names_below(&tokens, "super"));
    UNKNOWN
        .iter()
        .filter(|(room, _)| source.path.starts_with(room))
        .flat_map(|(room, unknown)| {
            named
                .iter()
                .filter(|(_, name)| unknown.contains(name))
                .map(move |(line, name)| source.breach(*line, &format!("{room} names {name}")))
        })
        .collect()
}

fn holds_sql(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") || source.path.starts_with("src/storage/") {
        return Vec::new();
    }
    let mut breaches: Vec<String> = source
        .strings
        .iter()
        .filter(|(_, text)| SQL.iter().any(|sql| text.contains(sql)))
        .map(|(line, _)| source.breach(*line, "SQL outside of src/storage"))
        .collect();
    let tokens = source.tokens();
    breaches.extend(
        names_below(&tokens, "sqlx")
            .iter()
            .filter(|(_, name)| name.starts_with("query") || *name == "raw_sql")
            .map(|(line, name)| {
                source.breach(*line, &format!("sqlx::{name} outside of src/storage"))
            }),
    );
    breaches
}

fn makes_a_status(source: &Source) -> Vec<String> {
    if source.path == "src/grpc/status.rs" || source.is_of_tests() {
        return Vec::new();
    }
    let tokens = source.tokens_without_tests();
    names_below(&tokens, "Status")
        .iter()
        .filter(|(_, name)| CONSTRUCTORS.contains(name))
        .map(|(line, name)| source.breach(*line, &format!("Status::{name} outside of status.rs")))
        .collect()
}

fn is_too_long(source: &Source) -> Vec<String> {
    let most = LONGER
        .iter()
        .find(|(path, _, _)| *path == source.path)
        .map_or(LONGEST, |(_, most, _)| *most);
    let lines = source.text.lines().count();
    if lines <= most {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines, more than {most}", source.path)]
}

fn is_a_drawer(source: &Source) -> Vec<String> {
    let mut breaches: Vec<String> = source
        .path
        .split('/')
        .map(|part| part.trim_end_matches(".rs"))
        .filter(|part| DRAWERS.contains(part))
        .map(|part| format!("{}: {part} is a drawer", source.path))
        .collect();
    for part in source.tokens().windows(2) {
        if let [(_, "mod"), (line, name)] = part
            && DRAWERS.contains(name)
        {
            breaches.push(source.breach(*line, &format!("{name} is a drawer")));
        }
    }
    breaches
}

fn has_no_header(source: &Source) -> Vec<String> {
    if !source.path.ends_with("/mod.rs") || source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![format!("{}: begins without a header", source.path)]
}

fn allows_a_lint(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    tokens
        .windows(3)
        .filter(|part| matches!(part, [(_, "[" | ","), (_, "allow"), (_, "(")]))
        .map(|part| source.breach(part[1].0, "allow instead of expect"))
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of ours below some places.
fn sources(places: &[&str]) -> Vec<Source> {
    let mut left: Vec<PathBuf> = places.iter().map(|place| root().join(place)).collect();
    let mut sources = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap();
            let path = path.to_str().unwrap().replace('\\', "/");
            sources.push(Source::new(&path, &text));
        }
    }
    assert!(sources.len() > 2, "no sources in {places:?}");
    sources
}

/// The library, read once.
static LIBRARY: LazyLock<Vec<Source>> = LazyLock::new(|| sources(&["src"]));

/// Everything else that is compiled.
static OTHERS: LazyLock<Vec<Source>> = LazyLock::new(|| sources(&["tests", "benches", "build.rs"]));

fn nowhere<'a>(sources: impl IntoIterator<Item = &'a Source>, rule: fn(&Source) -> Vec<String>) {
    let breaches: Vec<String> = sources.into_iter().flat_map(rule).collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// How many breaches a rule finds in a text.
fn found(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> usize {
    rule(&Source::new(path, text)).len()
}

#[test]
fn text_is_told_apart_from_code() {
    let source = Source::new(
        "src/x.rs",
        r##"let a = "one // \" two"; // three "four"
let b = r#"five " six"#; let c: &'static str = '"'; /* seven */ let d = '\'';
let r#type = br"eight";"##,
    );
    let strings: Vec<&str> = source.strings.iter().map(|(_, s)| s.as_str()).collect();
    assert_eq!(
        strings,
        [r#""one // \" two""#, r##"r#"five " six"#"##, r#""eight""#]
    );
    assert_eq!(source.strings[1].0, 2);
    for word in ["two", "three", "four", "five", "six", "seven", "eight"] {
        assert!(!source.code.contains(word), "{word}: {}", source.code);
    }
    for word in ["static", "let d", "r#type"] {
        assert!(source.code.contains(word), "{word}: {}", source.code);
    }
}

#[test]
fn pure_files_know_no_runtime_database_or_transport() {
    nowhere(&*LIBRARY, knows_the_world);

    let rule = knows_the_world;
    assert_eq!(found(rule, "src/profile/fold.rs", "use tokio::time;"), 1);
    assert_eq!(found(rule, "src/cli/import/row/a.rs", "x: sqlx::PgPool"), 1);
    assert_eq!(
        found(rule, "src/profile/fold.rs", "// tokio\nlet x = \"sqlx\";"),
        0
    );
    assert_eq!(found(rule, "src/storage/links.rs", "use sqlx::PgPool;"), 0);
    for place in PURE {
        let there = LIBRARY.iter().any(|s| s.path.starts_with(place));
        assert!(there, "{place} is gone");
    }
}

#[test]
fn calls_go_from_grpc_to_ingest_and_lookup_to_storage() {
    nowhere(&*LIBRARY, knows_another_room);

    let rule = knows_another_room;
    assert_eq!(found(rule, "src/storage/a.rs", "use crate::grpc::Api;"), 1);
    assert_eq!(
        found(
            rule,
            "src/lookup/a.rs",
            "use crate::{\n ids::{A, B},\n ingest::Ingest,\n grpc,\n};"
        ),
        2
    );
    assert_eq!(
        found(rule, "src/ingest/a.rs", "super::super::lookup::find()"),
        1
    );
    assert_eq!(
        found(rule, "src/lookup/a.rs", "use crate::storage::links;"),
        0
    );
    assert_eq!(
        found(rule, "src/grpc/a.rs", "use crate::{ingest, lookup};"),
        0
    );
}

#[test]
fn sql_is_in_storage_alone() {
    nowhere(&*LIBRARY, holds_sql);

    let rule = holds_sql;
    assert_eq!(
        found(rule, "src/lookup/a.rs", "const A: &str = \"SELECT 1\";"),
        1
    );
    assert_eq!(
        found(
            rule,
            "src/app/a.rs",
            "sqlx::query(x); use sqlx::{PgPool, query_as};"
        ),
        2
    );
    assert_eq!(found(rule, "src/lookup/a.rs", "// SELECT 1"), 0);
    assert_eq!(found(rule, "src/lookup/a.rs", "use sqlx::PgConnection;"), 0);
    assert_eq!(
        found(rule, "src/storage/a.rs", "sqlx::query(\"SELECT 1\")"),
        0
    );
}

#[test]
fn a_status_is_made_in_one_place() {
    nowhere(&*LIBRARY, makes_a_status);

    let rule = makes_a_status;
    let text = "fn f() -> Status { tonic::Status::internal(\"x\") }";
    assert_eq!(found(rule, "src/grpc/stream.rs", text), 1);
    assert_eq!(found(rule, "src/grpc/status.rs", text), 0);
    assert_eq!(found(rule, "src/grpc/layers/tests.rs", text), 0);
    assert_eq!(
        found(rule, "src/grpc/stream.rs", "Err(Status::from(error))"),
        0
    );
    let tested = format!("#[cfg(test)]\nmod tests {{ {text} }}");
    assert_eq!(found(rule, "src/cli/a.rs", &tested), 0);
    assert_eq!(found(rule, "src/cli/a.rs", &format!("{text}\n{tested}")), 1);
}

#[test]
fn files_stay_short() {
    nowhere(&*LIBRARY, is_too_long);

    let long = "\n".repeat(LONGEST + 1);
    assert_eq!(found(is_too_long, "src/a.rs", &long), 1);
    assert_eq!(found(is_too_long, "src/a.rs", &long[1..]), 0);
    for (path, most, _) in LONGER {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let lines = text.lines().count();
        assert!(lines > LONGEST, "{path} needs no exception any more");
        assert_eq!(found(is_too_long, path, &"\n".repeat(most + 1)), 1);
    }
}

#[test]
fn no_module_is_a_drawer() {
    nowhere(LIBRARY.iter().chain(&*OTHERS), is_a_drawer);

    assert_eq!(found(is_a_drawer, "src/grpc/utils.rs", ""), 1);
    assert_eq!(found(is_a_drawer, "src/common/mod.rs", ""), 1);
    assert_eq!(found(is_a_drawer, "src/grpc/a.rs", "pub mod helpers;"), 1);
    assert_eq!(found(is_a_drawer, "src/grpc/core_facts.rs", "x.core()"), 0);
}

#[test]
fn every_module_of_several_files_has_a_header() {
    nowhere(&*LIBRARY, has_no_header);

    assert_eq!(found(has_no_header, "src/a/mod.rs", "mod b;"), 1);
    assert_eq!(found(has_no_header, "src/a/mod.rs", "//! What.\nmod b;"), 0);
}

#[test]
fn lints_are_expected_and_never_allowed() {
    nowhere(LIBRARY.iter().chain(&*OTHERS), allows_a_lint);

    let rule = allows_a_lint;
    assert_eq!(found(rule, "src/a.rs", "#[allow(dead_code)]"), 1);
    assert_eq!(found(rule, "src/a.rs", "#![allow(dead_code)]"), 1);
    assert_eq!(
        found(rule, "src/a.rs", "#[cfg_attr(test, allow(dead_code))]"),
        1
    );
    assert_eq!(found(rule, "src/a.rs", "#[expect(dead_code)]"), 0);
    assert_eq!(found(rule, "src/a.rs", "let x = \"#[allow(x)]\";"), 0);
}
