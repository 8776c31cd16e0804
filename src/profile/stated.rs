//! What a state says as text.

use super::State;
use crate::proto::v1::trait_value::Kind;

impl State {
    /// The newest value of each trait from each source that is a text or a date, as (name, text), in the order of the
    /// state. It is what was said, whichever of it survives where sources disagree.
    pub fn stated_texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.core.traits.iter().filter_map(|fact| {
            let value = fact.latest.as_ref()?.value.as_ref()?;
            match value.kind.as_ref()? {
                Kind::Text(text) | Kind::Date(text) => Some((fact.name.as_str(), text.as_str())),
                _ => None,
            }
        })
    }
}
