//! Policies.

use super::{
    super::{
        node::Node,
        violation::{Findings, Path},
    },
    action::contact_rule,
    fields::Fields,
};
use crate::{
    calendar::Zone,
    next_best_action::model::{
        Channel, Exploration, Group, Holdouts, Issue, LanguageTag, LocalTime, Placement, Policy,
        QuietHours, Reach, Upset, Worth,
    },
};

pub(super) fn policy(node: &Node, path: Path<'_>, found: &mut Findings) -> Policy {
    let mut fields = Fields::of(node, path, found);
    let policy = Policy {
        default_locale: fields
            .needed_parsed(found, "default_locale", "not a BCP 47 tag such as `ja`")
            .unwrap_or_else(LanguageTag::undetermined),
        time_zone: fields
            .needed_parsed(found, "time_zone", "not an IANA zone such as Asia/Tokyo")
            .unwrap_or(Zone::UTC),
        worth: fields
            .needed(found, "worth", |path, node, found| {
                Some(worth(path, node, found))
            })
            .unwrap_or(Worth {
                currency: "JPY".to_owned(),
                point: 1,
                floor: 1,
            }),
        issue_levers: fields
            .some(found, "issue_levers", |path, node, found| {
                Some(levers(path, node, found))
            })
            .unwrap_or_default(),
        groups: fields.items(found, "groups", group),
        channels: fields.items(found, "channels", channel),
        placements: fields.items(found, "placements", placement),
        fallback: fields.some_text(found, "fallback"),
        contact: fields.items(found, "contact", contact_rule),
        quiet_hours: fields.items(found, "quiet_hours", quiet_hours),
        holdouts: fields
            .needed(found, "holdouts", |path, node, found| {
                Some(holdouts(path, node, found))
            })
            .unwrap_or(Holdouts {
                salt: "-".to_owned(),
                epoch: 0,
                universal: 0.0,
                random: 0.0,
            }),
        upset: fields
            .some(found, "upset", |path, node, found| {
                Some(upset(path, node, found))
            })
            .unwrap_or_default(),
        exploration: fields
            .some(found, "exploration", |path, node, found| {
                Some(exploration(path, node, found))
            })
            .unwrap_or_default(),
    };
    fields.done(found);
    policy
}

fn worth(path: Path<'_>, node: &Node, found: &mut Findings) -> Worth {
    let mut fields = Fields::of(node, path, found);
    let worth = Worth {
        currency: fields.needed_text(found, "currency"),
        point: fields.needed(found, "point", Fields::whole).unwrap_or(1),
        floor: fields.needed(found, "floor", Fields::whole).unwrap_or(1),
    };
    fields.done(found);
    worth
}

fn levers(path: Path<'_>, node: &Node, found: &mut Findings) -> [i32; 5] {
    let mut fields = Fields::of(node, path, found);
    let levers = Issue::ALL.map(|issue| {
        let lever = fields.some(found, issue.word(), Fields::whole);
        lever.unwrap_or_default()
    });
    fields.done(found);
    levers
}

fn group(path: Path<'_>, node: &Node, found: &mut Findings) -> Group {
    let mut fields = Fields::of(node, path, found);
    let group = Group {
        name: fields.needed_text(found, "name"),
        issue: fields
            .needed_word(found, "issue", &Issue::ALL, Issue::word)
            .unwrap_or(Issue::Serve),
        lever: fields
            .some(found, "lever", Fields::whole)
            .unwrap_or_default(),
    };
    fields.done(found);
    group
}

fn channel(path: Path<'_>, node: &Node, found: &mut Findings) -> Channel {
    let mut fields = Fields::of(node, path, found);
    let channel = Channel {
        name: fields.needed_text(found, "name"),
        reach: fields
            .needed_word(found, "reach", &Reach::ALL, Reach::word)
            .unwrap_or(Reach::Outbound),
        pending: fields.some_parsed(found, "pending", "a time such as 30m, 12h or 7d"),
    };
    fields.done(found);
    channel
}

fn placement(path: Path<'_>, node: &Node, found: &mut Findings) -> Placement {
    let mut fields = Fields::of(node, path, found);
    let placement = Placement {
        name: fields.needed_text(found, "name"),
        channel: fields.needed_text(found, "channel"),
        reach: fields.word(found, "reach", &Reach::ALL, Reach::word),
        fallback: fields.some_text(found, "fallback"),
    };
    fields.done(found);
    placement
}

fn quiet_hours(path: Path<'_>, node: &Node, found: &mut Findings) -> QuietHours {
    const FORM: &str = "a time of day such as 21:00";
    let mut fields = Fields::of(node, path, found);
    let hours = QuietHours {
        channels: fields.texts(found, "channels"),
        from: fields
            .needed_parsed(found, "from", FORM)
            .unwrap_or(LocalTime::MIDNIGHT),
        to: fields
            .needed_parsed(found, "to", FORM)
            .unwrap_or(LocalTime::LAST),
    };
    fields.done(found);
    hours
}

fn holdouts(path: Path<'_>, node: &Node, found: &mut Findings) -> Holdouts {
    let mut fields = Fields::of(node, path, found);
    let holdouts = Holdouts {
        salt: fields.needed_text(found, "salt"),
        epoch: fields
            .needed(found, "epoch", Fields::whole)
            .unwrap_or_default(),
        universal: fields
            .needed(found, "universal", Fields::number)
            .unwrap_or_default(),
        random: fields
            .needed(found, "random", Fields::number)
            .unwrap_or_default(),
    };
    fields.done(found);
    holdouts
}

fn upset(path: Path<'_>, node: &Node, found: &mut Findings) -> Upset {
    let mut fields = Fields::of(node, path, found);
    let default = Upset::default();
    let leaving_days = fields.some(found, "leaving_days", Fields::whole);
    let level = fields.some(found, "level", Fields::number);
    let feelings = fields.some(found, "feelings", Fields::number);
    fields.done(found);
    Upset {
        leaving_days: leaving_days.unwrap_or(default.leaving_days),
        level: level.unwrap_or(default.level),
        feelings: feelings.unwrap_or(default.feelings),
    }
}

fn exploration(path: Path<'_>, node: &Node, found: &mut Findings) -> Exploration {
    let mut fields = Fields::of(node, path, found);
    let default = Exploration::default();
    let epsilon = fields.some(found, "epsilon", Fields::number);
    let candidates = fields.some(found, "candidates", Fields::whole);
    fields.done(found);
    Exploration {
        epsilon: epsilon.unwrap_or(default.epsilon),
        candidates: candidates.unwrap_or(default.candidates),
    }
}
