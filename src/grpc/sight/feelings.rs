//! What a caller sees of feelings.
//!
//! A summary is made of all that a customer said. So whoever may not see interactions about orders or tickets sees none on a
//! profile; a history leaves such interactions out before it counts.

use super::{Sight, listed};
use crate::{
    config::Facts,
    error::Error,
    lookup::timeline::Matter,
    proto::v1::{GetSentimentHistoryResponse, SentimentItem, SentimentSummary},
};

impl Sight<'_> {
    /// Whether a profile may show how its customer feels.
    pub(in crate::grpc) fn may_see_feelings(&self) -> bool {
        !self.hides(Facts::Sentiment) && self.without().is_empty()
    }

    /// Refuses histories of feelings where feelings are hidden, or when things happened is: a history tells both.
    pub(in crate::grpc) fn require_feelings(&self) -> Result<(), Error> {
        self.require(Facts::Sentiment)?;
        self.require(Facts::Timeline)
    }

    /// Whether what was written to a department may be shown.
    fn may_read(&self, department: &str) -> bool {
        self.texts && !self.policy.texts_of.contains(department)
    }

    /// Whether the caller may see a figure of the population: of what is hidden of each it may not know the sum.
    pub(in crate::grpc) fn may_see_metric(&self, name: &str) -> bool {
        match name {
            "sentiment" => self.may_see_feelings(),
            "retention"
            | "churn"
            | "churn_annual"
            | "idle_churn"
            | "rfm_recency"
            | "rfm_frequency"
            | "rfm_money"
            | "active_customers"
            | "orders_per_customer"
            | "customers_alive"
            | "expected_orders"
            | "lifetime_value" => !self.hides(Facts::Orders),
            _ => !self.hides(Facts::Surveys),
        }
    }

    /// Whether the caller may see what drives answers to surveys.
    pub(in crate::grpc) fn may_see_drivers(&self) -> bool {
        self.may_see_feelings() && !self.hides(Facts::Surveys)
    }

    /// Whether the caller may see risks, which are made of nearly everything.
    pub(super) fn may_see_risks(&self) -> bool {
        let made_of = [Facts::Orders, Facts::Tickets, Facts::Consents];
        self.may_see_feelings() && !made_of.into_iter().any(|facts| self.hides(facts))
    }

    /// Clears in a summary what may not be seen.
    pub(super) fn restrict_summary(&self, summary: &mut SentimentSummary) {
        if self.hides(Facts::Timeline) {
            summary.last = None;
        }
        if let Some(last) = &mut summary.last
            && !self.may_read(&last.department)
        {
            last.words.clear();
        }
    }

    /// What [`Self::restrict_summary`] leaves out of the summary at a path.
    pub(super) fn masked_in_summary(&self, path: &str) -> Vec<String> {
        if self.hides(Facts::Timeline) {
            vec![format!("{path}.last")]
        } else {
            self.masked_words(&format!("{path}.last.words"))
        }
    }

    fn masked_words(&self, path: &str) -> Vec<String> {
        if self.texts {
            listed(path, &self.policy.texts_of)
        } else {
            vec![path.to_owned()]
        }
    }

    /// Clears in a history what may not be seen. Interactions that are hidden altogether are not looked up.
    pub(in crate::grpc) fn restrict_history(&self, history: &mut GetSentimentHistoryResponse) {
        if let Some(summary) = &mut history.summary {
            self.restrict_summary(summary);
        }
        let lists = [&mut history.worst, &mut history.best, &mut history.items];
        for item in lists.into_iter().flatten() {
            self.restrict_item(item);
        }
        if self.hides(Facts::Surveys) {
            history.surveys.clear();
        }
        history.masked_fields = self.masked_in_history();
    }

    fn restrict_item(&self, item: &mut SentimentItem) {
        if self.may_read(&item.department) {
            return;
        }
        item.text.clear();
        for analysis in &mut item.analyses {
            analysis.spans.clear();
        }
    }

    fn masked_in_history(&self) -> Vec<String> {
        let mut masked = self.masked_in_summary("summary");
        for list in ["worst", "best", "items"] {
            masked.extend(self.masked_words(&format!("{list}.analyses.spans")));
            masked.extend(self.masked_words(&format!("{list}.text")));
        }
        if self.hides(Facts::Surveys) {
            masked.push("surveys".to_owned());
        }
        // All is counted without them.
        let matters = self.without();
        masked.extend(
            matters
                .into_iter()
                .map(Matter::name)
                .map(|of| format!("items[{of}]")),
        );
        masked
    }
}
