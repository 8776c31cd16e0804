//! Keys of settings: a list of segments, because the name of a tenant or trait may itself hold dots.

use std::fmt;

/// The key of one value, for example `tenants."eu.shop".default_region`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<String>);

impl Key {
    /// From its segments.
    #[must_use]
    pub fn new(segments: Vec<String>) -> Self {
        Self(segments)
    }

    /// From text without quoted segments: the keys of the table.
    #[must_use]
    pub fn dotted(text: &str) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }

    /// The key below this one.
    #[must_use]
    pub fn child(&self, segment: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.to_owned());
        Self(segments)
    }

    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// What stands where `pattern` has `<..>`, or `None` when the key is not of the pattern.
    #[must_use]
    pub fn matches(&self, pattern: &str) -> Option<Vec<&str>> {
        let mut names = Vec::new();
        let mut wanted = pattern.split('.');
        for segment in &self.0 {
            let wanted = wanted.next()?;
            if wanted.starts_with('<') {
                names.push(segment.as_str());
            } else if wanted != segment {
                return None;
            }
        }
        wanted.next().is_none().then_some(names)
    }

    /// `pattern` with its `<..>` replaced by this key's segments at the same places.
    #[must_use]
    pub fn fill(&self, pattern: &str) -> Self {
        let fill = |(i, wanted): (usize, &str)| match self.0.get(i) {
            Some(own) if wanted.starts_with('<') => own.clone(),
            _ => wanted.to_owned(),
        };
        Self(pattern.split('.').enumerate().map(fill).collect())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            if segment.is_empty() || segment.contains(['.', ' ', '"']) {
                write!(f, "{segment:?}")?;
            } else {
                f.write_str(segment)?;
            }
        }
        Ok(())
    }
}

/// How many single letters have to be put in, taken out or changed to make one text of the other.
#[must_use]
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_matches_the_pattern_whose_fixed_segments_it_has() {
        let key = Key::new(vec![
            "tenants".into(),
            "eu.shop".into(),
            "default_region".into(),
        ]);
        assert_eq!(
            key.matches("tenants.<tenant>.default_region"),
            Some(vec!["eu.shop"])
        );
        assert_eq!(key.matches("tenants.<tenant>"), None);
        assert_eq!(key.matches("tenants.<tenant>.time_zone"), None);
        assert_eq!(key.to_string(), "tenants.\"eu.shop\".default_region");
    }

    #[test]
    fn distance_counts_single_letters() {
        assert_eq!(distance("ingest_writers", "ingest.writers"), 1);
        assert_eq!(distance("writer", "writers"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
