//! The settings of the operator's own analyzer.

use super::{
    Form::{Integer, Text},
    Setting, setting,
};
use crate::config::value;

const URL: &str = "http://host:port, https://host:port, or empty";

/// They follow those of [`super::TABLE`].
pub(super) static TABLE: &[Setting] = &[
    setting(
        ("analyzer.url", "", "", Text(URL)),
        "An analyzer of customers' texts of your own, see [sentiment](sentiment.md). It is sent texts, channels and languages, nothing else. Empty turns it off.",
        |s, v| v.optional(&mut s.analyzer.url, URL, value::server),
    ),
    setting(
        ("analyzer.timeout_ms", "200", "ms", Integer(10, 10_000)),
        "How long it may take for the texts of a call. Then they are recorded without its answer.",
        |s, v| v.millis(&mut s.analyzer.timeout),
    ),
    setting(
        ("analyzer.pause_ms", "5000", "ms", Integer(100, 600_000)),
        "How long it is left alone after 5 failures in a row, or 10 among 20 calls; up to 16 times as long when it goes on failing.",
        |s, v| v.millis(&mut s.analyzer.pause),
    ),
    setting(
        ("analyzer.calls", "16", "calls", Integer(1, 1_000)),
        "Calls to it at a time; the texts of one more are recorded without its answer.",
        |s, v| v.integer(&mut s.analyzer.calls),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn an_analyzer_is_a_scheme_and_a_host_and_nothing_else() {
        let load = |url: &str| {
            let said = [("CUSTOMER_PROFILE_ANALYZER__URL".to_owned(), url.to_owned())];
            Settings::load(None, said).map(|settings| settings.analyzer.url)
        };
        for url in ["http://localhost:7410", "https://analyzer.example.com", ""] {
            let wanted = (!url.is_empty()).then(|| url.to_owned());
            assert_eq!(load(url).unwrap(), wanted);
        }
        for url in [
            "localhost:7410",
            "ftp://a.example.com",
            "https://a.example.com/path",
            "https://user:word@a.example.com",
            "https://",
        ] {
            let problems = load(url).unwrap_err().to_string();
            assert!(problems.contains(URL), "{url}: {problems}");
        }
    }
}
