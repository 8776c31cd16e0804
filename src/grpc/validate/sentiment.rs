//! Feelings as callers judge them.

use super::{
    fields::{items, slug, text},
    limits::{MAX_SLUG_BYTES, MAX_TEXT_BYTES},
    reason::{NOT_ALLOWED_HERE, OUT_OF_RANGE},
    violations::Violations,
};
use crate::{
    error::Violation,
    proto::v1::{AnalyzeTextRequest, Direction, Interaction},
};

/// Texts to analyse at most in a call.
const TEXTS: usize = 100;

/// Texts to analyse.
///
/// # Errors
/// With everything that is wrong.
pub fn texts(request: &AnalyzeTextRequest) -> Result<(), Vec<Violation>> {
    let mut out = Violations::default();
    let number = out.take(items("texts", request.texts.len(), TEXTS));
    for (i, one) in request.texts.iter().take(TEXTS).enumerate() {
        text(&mut out, &format_args!("texts[{i}]"), one, MAX_TEXT_BYTES);
    }
    if !request.channel.is_empty() {
        slug(&mut out, &"channel", &request.channel, MAX_SLUG_BYTES);
    }
    out.finish(number)
}

/// The feeling that a caller states: the customer's, so nothing that the business said has one.
pub(super) fn sentiment(out: &mut Violations, message: &Interaction) {
    let Some(said) = &message.sentiment else {
        return;
    };
    if message.direction() == Direction::Outbound {
        let why = "what the business says is no feeling of the customer";
        out.add(&"sentiment", NOT_ALLOWED_HERE, why);
    }
    if !(-1.0..=1.0).contains(&said.polarity) {
        out.add(&"sentiment.polarity", OUT_OF_RANGE, "-1 to 1");
    }
    let sure = |confidence: f64| confidence > 0.0 && confidence <= 1.0;
    if !said.confidence.is_none_or(sure) {
        let field = &"sentiment.confidence";
        out.add(field, OUT_OF_RANGE, "above 0 and at most 1");
    }
    slug(out, &"sentiment.method", &said.method, MAX_SLUG_BYTES);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::CallerSentiment;

    fn fields(direction: Direction, polarity: f64, confidence: Option<f64>) -> Vec<String> {
        let message = Interaction {
            direction: direction.into(),
            sentiment: Some(CallerSentiment {
                polarity,
                confidence,
                method: "agent".into(),
            }),
            ..Interaction::default()
        };
        let mut out = Violations::default();
        sentiment(&mut out, &message);
        let found = out.finish::<()>(None).err().unwrap_or_default();
        found.into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn a_feeling_lies_within_its_range_and_is_the_customers() {
        assert!(fields(Direction::Inbound, -1.0, Some(1.0)).is_empty());
        assert!(fields(Direction::Unspecified, 1.0, None).is_empty());
        for polarity in [1.001, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(
                fields(Direction::Inbound, polarity, None),
                ["sentiment.polarity"]
            );
        }
        for confidence in [0.0, -0.5, 1.1, f64::NAN] {
            let found = fields(Direction::Inbound, 0.0, Some(confidence));
            assert_eq!(found, ["sentiment.confidence"]);
        }
        assert_eq!(fields(Direction::Outbound, 0.5, None), ["sentiment"]);
    }
}
