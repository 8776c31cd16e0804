//! What answers about who is who leave out.

use super::Sight;
use crate::{config::Facts, explain, identity::Rules};

impl Sight<'_> {
    /// What a graph of identifiers and links leaves out under the rules of a tenant.
    pub(in crate::grpc) fn masked_in_graph(&self, rules: &Rules) -> Vec<String> {
        let mut masked = self.masked_in_identifiers("identifiers_total");
        if !self.all_namespaces() {
            let totals = ["decisions.chosen_total", "decisions.others_total"];
            masked.extend(totals.map(str::to_owned));
        }
        if !explain::tells_standings(rules, self) {
            let told = ["hub", "shared", "contested", "apart"];
            masked.extend(told.map(|field| format!("identifiers.{field}")));
            masked.push("cuts.rule".to_owned());
        }
        for field in ["links.evidence", "cuts.evidence"] {
            if self.hides(Facts::Timeline) {
                masked.push(field.to_owned());
            } else {
                let matters = self.without().into_iter();
                masked.extend(matters.map(|matter| format!("{field}[{}]", matter.name())));
            }
        }
        if !self.reasons {
            masked.push("decisions.reason".to_owned());
        }
        masked
    }

    /// What the outcome of a decision leaves out.
    pub(in crate::grpc) fn masked_in_outcome(&self) -> Vec<String> {
        if self.identifiers() {
            let hidden = self.policy.namespaces.iter();
            return hidden.map(|n| format!("identifiers[{n}]")).collect();
        }
        vec![
            "outcome.parts.identifiers".into(),
            "outcome.joined_by".into(),
        ]
    }

    /// What the examples of a preview leave out.
    pub(in crate::grpc) fn masked_in_examples(&self) -> Vec<String> {
        if self.identifiers() {
            return self.masked_in_outcome();
        }
        ["joined", "split"]
            .iter()
            .flat_map(|of| ["before", "after"].map(|when| format!("{of}.{when}.identifiers")))
            .collect()
    }
}
