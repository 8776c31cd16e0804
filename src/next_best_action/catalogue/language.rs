//! What the rule language says of the rules of a catalogue.
//!
//! What must stay true: a rule that passes here can be made ([`Rule::parse`]) wherever the catalogue is prepared; every segment
//! that a rule refers to is there, and segments refer to each other in no circle.

use std::collections::{BTreeMap, HashMap};

use super::check::CheckRule;
use crate::{
    criteria::{self, Rule, SegmentFault, Use, evaluation_order},
    next_best_action::model::Segment,
};

/// Checks rules against the language and the segments that there will be.
#[derive(Debug, Default)]
pub struct Language {
    /// Every segment that there will be, whether its rule can be read or not.
    names: Vec<String>,
    /// What is wrong with segments, of those that are wrong among themselves.
    faults: HashMap<String, Vec<String>>,
}

impl Language {
    /// With the segments that are there and those that come, which take the place of others with their names.
    pub fn with<'s>(
        known: impl IntoIterator<Item = &'s Segment>,
        coming: impl IntoIterator<Item = &'s Segment>,
    ) -> Self {
        let all: BTreeMap<&str, &Segment> = known
            .into_iter()
            .chain(coming)
            .map(|segment| (segment.name.as_str(), segment))
            .collect();
        let parsed: Vec<(&str, Option<Rule>)> = all
            .iter()
            .map(|(name, segment)| (*name, Rule::parse(&segment.rule, Use::Segment).ok()))
            .collect();
        // One that cannot be read stands there with a rule that refers to nothing: its own mistakes are said where it stands.
        let nothing = Rule::parse("false", Use::Segment).ok();
        let segments: Vec<criteria::Segment<'_>> = parsed
            .iter()
            .filter_map(|(name, rule)| {
                let rule = rule.as_ref().or(nothing.as_ref())?;
                Some(criteria::Segment { name, rule })
            })
            .collect();
        let mut faults: HashMap<String, Vec<String>> = HashMap::new();
        for fault in evaluation_order(&segments).err().unwrap_or_default() {
            for name in concerned(&fault) {
                let of_name = faults.entry(name.to_owned()).or_default();
                of_name.push(fault.to_string());
            }
        }
        let names = all.into_keys().map(str::to_owned).collect();
        Self { names, faults }
    }
}

fn read(text: &str, used_in: Use) -> Result<Rule, Vec<String>> {
    Rule::parse(text, used_in)
        .map_err(|faults| faults.iter().map(|fault| fault.describe(text)).collect())
}

/// The segments that have to be mended.
fn concerned(fault: &SegmentFault) -> Vec<&str> {
    match fault {
        SegmentFault::Twice(name) => vec![name],
        SegmentFault::Missing { segment, .. } => vec![segment],
        SegmentFault::Cycle(names) => {
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            names
        }
    }
}

impl CheckRule for Language {
    fn check(&self, text: &str) -> Result<(), Vec<String>> {
        let rule = read(text, Use::Decision)?;
        let missing = |name: &&str| {
            self.names
                .binary_search_by(|n| n.as_str().cmp(name))
                .is_err()
        };
        let missing: Vec<String> = rule
            .segments()
            .filter(missing)
            .map(|name| format!("refers to segment `{name}`, which is not there"))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(missing)
        }
    }

    fn check_segment(&self, name: &str, text: &str) -> Result<(), Vec<String>> {
        read(text, Use::Segment)?;
        match self.faults.get(name) {
            Some(faults) => Err(faults.clone()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(name: &str, rule: &str) -> Segment {
        Segment {
            name: name.to_owned(),
            description: String::new(),
            rule: rule.to_owned(),
        }
    }

    #[test]
    fn a_rule_may_refer_to_what_is_there_or_comes() {
        let (there, comes) = (segment("there", "known"), segment("comes", "anonymous"));
        let language = Language::with([&there], [&comes]);
        for good in ["segment(\"there\")", "segment(\"comes\") && known"] {
            assert_eq!(language.check(good), Ok(()));
        }
        let missing = language.check("segment(\"gone\")").unwrap_err();
        assert!(missing[0].contains("`gone`"), "{missing:?}");
        let wrong = language
            .check("order_count >= \"x\" && nothing_such")
            .unwrap_err();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("line 1, column "), "{wrong:?}");
    }

    #[test]
    fn a_segment_knows_no_call_and_no_circle() {
        let stored = segment("a", "segment(\"b\")");
        let harmless = segment("b", "known");
        let circle = segment("b", "segment(\"a\") || known");
        assert_eq!(
            Language::with([&stored, &harmless], []).check_segment("b", &harmless.rule),
            Ok(())
        );
        let language = Language::with([&stored, &harmless], [&circle]);
        let wrong = language.check_segment("b", &circle.rule).unwrap_err();
        assert!(wrong[0].contains("circle"), "{wrong:?}");
        let missing = segment("c", "segment(\"nobody\")");
        let language = Language::with([], [&missing]);
        assert!(language.check_segment("c", &missing.rule).is_err());
        let call = "context[\"page\"] == \"cart\"";
        assert!(language.check_segment("d", call).is_err());
        assert_eq!(language.check(call), Ok(()));
    }
}
