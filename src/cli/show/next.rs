//! What to do next with the customer, where places were named: a decision that is only tried.

use super::{View, part};
use crate::{
    cli::terminal::{Line, Tone},
    proto::v1::{ChosenAction, PlacementDecision},
};

/// What would be shown in each place.
pub(super) fn next(view: &View<'_>) -> Vec<Line> {
    let lines = view.beside.next.iter().flat_map(place).collect();
    part("NEXT", Tone::Strong, lines)
}

fn place(placed: &PlacementDecision) -> Vec<Line> {
    let name = format!("{} ", placed.placement);
    if placed.actions.is_empty() {
        return vec![Line::of(&name).plain("nothing")];
    }
    let line = |action: &ChosenAction| {
        let title = action.text.as_ref().map_or("", |text| text.title.as_str());
        let how = if action.fallback {
            "there is nothing else".to_owned()
        } else {
            format!("chosen with probability {:.3}", action.propensity)
        };
        let line = Line::of(&name).with(Tone::Good, &action.action_id);
        line.plain(&format!("  {title} · {how}"))
    };
    placed.actions.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::ActionText;

    fn text(placed: &PlacementDecision) -> Vec<String> {
        place(placed)
            .iter()
            .map(|line| line.render(false))
            .collect()
    }

    #[test]
    fn a_place_names_what_it_would_show_and_why() {
        let mut action = ChosenAction {
            action_id: "help".into(),
            propensity: 0.925,
            text: Some(ActionText {
                title: "We are on it".into(),
                ..ActionText::default()
            }),
            ..ChosenAction::default()
        };
        let mut placed = PlacementDecision {
            placement: "hero".into(),
            actions: vec![action.clone()],
            ..PlacementDecision::default()
        };
        assert_eq!(
            text(&placed),
            ["hero help  We are on it · chosen with probability 0.925"]
        );
        action.fallback = true;
        placed.actions = vec![action];
        assert_eq!(
            text(&placed),
            ["hero help  We are on it · there is nothing else"]
        );
        placed.actions.clear();
        assert_eq!(text(&placed), ["hero nothing"]);
    }
}
