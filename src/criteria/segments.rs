//! Segments: rules with names, which refer to each other.
//!
//! What must stay true: a segment is worked out after those that it refers to, so a set of them has an order without
//! cycles; what is wrong with a set is said of all its segments at once. The walk keeps its own stack, so no chain of segments
//! is too long for it.

use std::collections::HashMap;

use super::{Rule, limits::MAX_FAULTS, schema};

/// A rule with a name.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Its name, unique in its set.
    pub name: &'a str,
    /// Who is in it.
    pub rule: &'a Rule,
}

/// What is wrong with a set of segments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentFault {
    /// Two segments have one name.
    #[error("there are two segments called `{0}`")]
    Twice(String),
    /// A segment refers to one that is not there.
    #[error("segment `{segment}` refers to `{missing}`, which is not there{}", .near.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
    Missing {
        /// The one that refers.
        segment: String,
        /// The one that it refers to.
        missing: String,
        /// One with a name like it.
        near: Option<String>,
    },
    /// Segments refer to each other in a circle.
    #[error("segments refer to each other in a circle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// The places of segments in an order in which each comes after those that it refers to; of those that do not depend on each
/// other, as they were given.
///
/// # Errors
/// Everything that is wrong: names that are there twice, references to nothing, and one circle for each way back that a walk
/// from the first segment to the last finds.
pub fn evaluation_order(segments: &[Segment<'_>]) -> Result<Vec<usize>, Vec<SegmentFault>> {
    let mut faults = Vec::new();
    let mut by_name = HashMap::with_capacity(segments.len());
    for (at, segment) in segments.iter().enumerate() {
        if by_name.insert(segment.name, at).is_some() {
            faults.push(SegmentFault::Twice(segment.name.to_owned()));
        }
    }
    let names: Vec<&str> = segments.iter().map(|segment| segment.name).collect();
    let mut references = Vec::with_capacity(segments.len());
    for segment in segments {
        let mut found = Vec::new();
        for name in segment.rule.segments() {
            match by_name.get(name) {
                Some(at) => found.push(*at),
                None => faults.push(SegmentFault::Missing {
                    segment: segment.name.to_owned(),
                    missing: name.to_owned(),
                    near: near(name, &names, faults.len()),
                }),
            }
        }
        references.push(found);
    }
    let order = walk(&references, &names, &mut faults);
    if faults.is_empty() {
        Ok(order)
    } else {
        Err(faults)
    }
}

/// A name like this one; looking for it takes as long as the set is, so it is done for the first mistakes only.
fn near(name: &str, names: &[&str], faults: usize) -> Option<String> {
    if faults >= MAX_FAULTS {
        return None;
    }
    schema::nearest(name, names).map(str::to_owned)
}

/// Depth first, with the way from the first as a stack of (segment, references that were followed).
fn walk(references: &[Vec<usize>], names: &[&str], faults: &mut Vec<SegmentFault>) -> Vec<usize> {
    let mut marks = vec![Mark::New; references.len()];
    let mut order = Vec::with_capacity(references.len());
    for start in 0..references.len() {
        let mut way = Vec::new();
        if marks.get(start) == Some(&Mark::New) {
            way.push((start, 0));
            set(&mut marks, start, Mark::Open);
        }
        while let Some((at, followed)) = way.pop() {
            let next = references.get(at).and_then(|to| to.get(followed));
            let Some(next) = next.copied() else {
                set(&mut marks, at, Mark::Done);
                order.push(at);
                continue;
            };
            way.push((at, followed + 1));
            match marks.get(next) {
                Some(Mark::New) => {
                    way.push((next, 0));
                    set(&mut marks, next, Mark::Open);
                }
                Some(Mark::Open) => {
                    let from = way.iter().position(|(on, _)| *on == next).unwrap_or(0);
                    let circle = way.iter().skip(from).map(|(on, _)| *on).chain([next]);
                    let circle = circle.filter_map(|on| names.get(on));
                    faults.push(SegmentFault::Cycle(
                        circle.map(|name| (*name).to_owned()).collect(),
                    ));
                }
                Some(Mark::Done) | None => {}
            }
        }
    }
    order
}

fn set(marks: &mut [Mark], at: usize, mark: Mark) {
    if let Some(place) = marks.get_mut(at) {
        *place = mark;
    }
}
