//! Cards: identifiers of the profile, and what is outside.

use std::collections::BTreeMap;

use super::{
    super::{plan::Item, words},
    Scene,
    canvas::{Area, At, Canvas, columns, room},
    frame::{CARD, Frame, OUT},
    style::{Size, colour, icon},
};
use crate::{
    proto::v1::{IdentityCut, ProfileIdentifier},
    visible::{cut, visible},
};

/// Draws every card.
pub(super) fn draw(canvas: &mut Canvas, scene: Scene<'_>) {
    for spot in &scene.plan.spots {
        let y = Frame::y(spot.row);
        let (x, (width, height)) = if spot.is_outside() {
            (scene.frame.outside, OUT)
        } else {
            (Frame::x(spot.column), CARD)
        };
        let card = Card {
            area: Area {
                x,
                y: y - height / 2,
                width,
                height,
            },
            scene,
        };
        canvas.claim(Area {
            y: card.area.y - PILL / 2,
            height: height + PILL / 2,
            ..card.area
        });
        card.draw(canvas, &spot.item);
    }
}

/// The height of a mark.
const PILL: usize = 16;

struct Card<'a> {
    area: Area,
    scene: Scene<'a>,
}

/// What stands on a card.
struct Face<'t> {
    class: &'static str,
    namespace: &'t str,
    head: &'t str,
    value: &'t str,
    foot: String,
    marks: Vec<&'static str>,
    /// Everything, for who points at it.
    told: String,
}

impl Card<'_> {
    fn draw(&self, canvas: &mut Canvas, item: &Item<'_>) {
        match item {
            Item::One(place) => {
                let shown = self.scene.answer.identifiers.get(*place);
                if let Some(identifier) = shown {
                    self.one(canvas, identifier, *place == 0);
                }
            }
            Item::Group(places) => self.group(canvas, places),
            Item::Cut(cut) => self.cut(canvas, cut),
            Item::Cuts(cuts) => self.cuts(canvas, cuts),
            Item::Parted(identifier, _) => {
                let told = format!("{} {}", identifier.namespace, identifier.value);
                let face = Face {
                    class: "away",
                    namespace: &identifier.namespace,
                    head: &identifier.namespace,
                    value: &identifier.value,
                    foot: "no link to it".to_owned(),
                    marks: Vec::new(),
                    told,
                };
                self.face(canvas, &face);
            }
            Item::MoreParted(count, _) => {
                let value = format!("and {}", words::count(*count, "more"));
                let value = value.trim_end_matches('s');
                self.stack(canvas, "away");
                self.face(
                    canvas,
                    &Face {
                        class: "away",
                        namespace: "",
                        head: "separated",
                        value,
                        foot: "no link to them".to_owned(),
                        marks: Vec::new(),
                        told: value.to_owned(),
                    },
                );
            }
        }
    }

    fn one(&self, canvas: &mut Canvas, identifier: &ProfileIdentifier, first: bool) {
        let (first_seen, last_seen) = (
            (self.scene.day)(identifier.first_seen.as_ref()),
            (self.scene.day)(identifier.last_seen.as_ref()),
        );
        let face = Face {
            class: if first { "card first" } else { "card" },
            namespace: &identifier.namespace,
            head: &identifier.namespace,
            value: &identifier.value,
            foot: format!("last seen {last_seen}"),
            marks: words::marks(identifier),
            told: format!(
                "{}, seen {first_seen} to {last_seen}",
                words::named(identifier)
            ),
        };
        self.face(canvas, &face);
    }

    fn group(&self, canvas: &mut Canvas, places: &[usize]) {
        let shown = &self.scene.answer.identifiers;
        let members: Vec<&ProfileIdentifier> = places
            .iter()
            .filter_map(|place| shown.get(*place))
            .collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for member in &members {
            *counts.entry(member.namespace.as_str()).or_default() += 1;
        }
        let namespace = match counts.len() {
            1 => members[0].namespace.as_str(),
            _ => "",
        };
        let kinds: Vec<String> = counts
            .iter()
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        let last = members.iter().filter_map(|i| i.last_seen.as_ref());
        let last = last.max_by_key(|at| (at.seconds, at.nanos));
        let names: Vec<String> = members.iter().take(40).map(|i| words::named(i)).collect();
        self.stack(canvas, "card");
        let face = Face {
            class: "card",
            namespace,
            head: "drawn together",
            value: &kinds.join(", "),
            foot: format!("last seen {}", (self.scene.day)(last)),
            marks: Vec::new(),
            told: names.join(", "),
        };
        self.face(canvas, &face);
    }

    fn cut(&self, canvas: &mut Canvas, cut: &IdentityCut) {
        let Some(end) = &cut.to else { return };
        let foot = if cut.profile_id == self.scene.answer.profile_id {
            "in this profile by other links".to_owned()
        } else {
            // Ids that were drawn one after the other begin alike.
            let tail: String = cut.profile_id.chars().skip(24).collect();
            format!("in profile …{tail}")
        };
        let face = Face {
            class: "away",
            namespace: &end.namespace,
            head: &end.namespace,
            value: &end.value,
            foot,
            marks: words::marks(end),
            told: format!("{}, in profile {}", words::named(end), cut.profile_id),
        };
        self.face(canvas, &face);
    }

    fn cuts(&self, canvas: &mut Canvas, cuts: &[&IdentityCut]) {
        let ends = cuts.iter().filter_map(|cut| cut.to.as_ref());
        let names: Vec<String> = ends.take(40).map(words::named).collect();
        let value = format!("{} more", cuts.len());
        self.stack(canvas, "away");
        let face = Face {
            class: "away",
            namespace: "",
            head: "drawn together",
            value: &value,
            foot: names.join(", "),
            marks: Vec::new(),
            told: names.join(", "),
        };
        self.face(canvas, &face);
    }

    /// The edges of cards that lie below.
    fn stack(&self, canvas: &mut Canvas, class: &str) {
        for by in [8, 4] {
            self.outline(canvas, class, by);
        }
    }

    fn outline(&self, canvas: &mut Canvas, class: &str, by: usize) {
        let Area {
            x,
            y,
            width,
            height,
        } = self.area;
        // What lies below shows at the foot, within the card's own area.
        let (x, width, y) = (x + by, width - 2 * by, y + by);
        canvas.shape(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" rx=\"10\"/>",
            height - by
        ));
    }

    fn face(&self, canvas: &mut Canvas, face: &Face<'_>) {
        let Area {
            x,
            y,
            width,
            height,
        } = self.area;
        canvas.group(&face.told);
        self.outline(canvas, face.class, 0);
        if face.class.contains("first") {
            canvas.shape(&format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{0}\" \
                 fill-opacity=\"0.16\" stroke=\"{0}\" stroke-width=\"3\"/>",
                colour(face.namespace)
            ));
        }
        let middle = y + height / 2;
        canvas.shape(&icon(face.namespace, (x + 28, middle), Size::Large));
        let at = |y| At {
            x: x + 54,
            y,
            room: width - 62,
        };
        let size = if face.class.contains("first") { 14 } else { 13 };
        canvas.text(at(middle - 13), 11, "faint", face.head);
        let value = visible(face.value);
        // What tells values apart is often at their end.
        let fitting = columns(width - 62, size);
        canvas.text(at(middle + 5), size, "value", &shortened(&value, fitting));
        canvas.text(at(middle + 21), 10, "faint", &face.foot);
        self.marks(canvas, &face.marks);
        canvas.end();
    }

    /// Marks upon the upper edge, from the right.
    fn marks(&self, canvas: &mut Canvas, marks: &[&'static str]) {
        let mut right = self.area.x + self.area.width - 8;
        for mark in marks.iter().rev() {
            let wide = room(mark, 10) + 12;
            right -= wide;
            let class = mark.split(' ').next().unwrap_or(mark);
            let class = if class == "lends" { "apart" } else { class };
            let y = self.area.y - PILL / 2;
            canvas.shape(&format!(
                "<rect class=\"{class}\" x=\"{right}\" y=\"{y}\" width=\"{wide}\" height=\"{PILL}\" rx=\"8\"/>"
            ));
            let at = At {
                x: right + 7,
                y: y + 12,
                room: wide,
            };
            canvas.text(at, 10, "pill strong", mark);
            right -= 4;
        }
    }
}

/// A text in so many columns, with its beginning and its end.
fn shortened(text: &str, most: usize) -> String {
    use unicode_segmentation::UnicodeSegmentation as _;
    if crate::visible::width(text) <= most {
        return text.to_owned();
    }
    let tail_room = most / 3;
    let mut tail = String::new();
    for cluster in text.graphemes(true).rev() {
        let longer = format!("{cluster}{tail}");
        if crate::visible::width(&longer) > tail_room {
            break;
        }
        tail = longer;
    }
    let head = cut(text, most.saturating_sub(crate::visible::width(&tail)));
    format!("{head}{tail}")
}
