//! What is drawn, and in which row and column.
//!
//! What must stay true: identifiers stand in columns by how far they are from the strongest, and whatever hangs under
//! nothing else has a row of its own; the first thing that hangs under another stands in its row. A link that was refused
//! takes a row like an identifier, and leads along it to the outside. So no line crosses a card or a line of the tree.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::tree::{Joint, Tree, asserted, places};
use crate::proto::v1::{
    CutRule, DecisionKind, ExplainIdentityResponse, Identifier, IdentityCut, IdentityDecision,
    IdentityLink,
};

/// Identifiers that are all drawn.
const ALL: usize = 24;
/// Identifiers that are drawn one by one where there are more.
const STRONGEST: usize = 14;
/// Columns of identifiers.
const COLUMNS: usize = 5;
/// Groups under one identifier.
const GROUPS: usize = 3;
/// Refused links that are drawn one by one.
const CUTS: usize = 12;
/// Separated identifiers without a link that are drawn one by one.
const PARTED: usize = 4;

/// What stands somewhere.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    /// An identifier, by its place.
    One(usize),
    /// Identifiers that are drawn together, by their places.
    Group(Vec<usize>),
    /// A link that was refused, with its other end.
    Cut(&'a IdentityCut),
    /// Refused links that are drawn together.
    Cuts(Vec<&'a IdentityCut>),
    /// An identifier that an operator separated, and to which there is no link.
    Parted(&'a Identifier, &'a IdentityDecision),
    /// How many more of those there are.
    MoreParted(usize, &'a IdentityDecision),
}

/// An item in its place.
#[derive(Clone, Debug)]
pub(super) struct Spot<'a> {
    pub(super) item: Item<'a>,
    /// From the left; what is outside has a column of its own.
    pub(super) column: usize,
    /// From the top.
    pub(super) row: usize,
    /// The spot that it hangs under, and what joins the two where that is one thing.
    pub(super) under: Option<usize>,
    pub(super) joint: Option<Joint<'a>>,
}

impl Spot<'_> {
    /// Whether it is no identifier of the profile.
    pub(super) fn is_outside(&self) -> bool {
        !matches!(self.item, Item::One(_) | Item::Group(_))
    }
}

/// Everything in its place.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) spots: Vec<Spot<'a>>,
    /// Columns of identifiers of the profile, at least one.
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Links beside the tree between two spots, each with how many there are.
    pub(super) aside: BTreeMap<(usize, usize), Vec<&'a IdentityLink>>,
    /// The words of operators by the spots that they join.
    pub(super) said: BTreeMap<(usize, usize), &'a IdentityDecision>,
    /// The spot of each identifier.
    pub(super) of_place: HashMap<usize, usize>,
}

impl<'a> Plan<'a> {
    /// Of an answer.
    pub(super) fn of(answer: &'a ExplainIdentityResponse) -> Self {
        let tree = Tree::of(answer);
        let mut planner = Planner::of(answer, &tree);
        for root in planner.roots.clone() {
            planner.place(Hanging::One(root), 0, None, None);
            planner.plan.rows += 1;
        }
        for group in planner.groups(None) {
            planner.place(Hanging::Group(group), 0, None, None);
            planner.plan.rows += 1;
        }
        planner.part(answer);
        let mut plan = planner.plan;
        plan.columns = plan.columns.max(1);
        plan.rows = plan.rows.max(1);
        let between = |plan: &Self, a: usize, b: usize| {
            let (a, b) = (*plan.of_place.get(&a)?, *plan.of_place.get(&b)?);
            (a != b).then_some((a.min(b), a.max(b)))
        };
        for link in &tree.aside {
            let place = |end| usize::try_from(end).unwrap_or(usize::MAX);
            if let Some(ends) = between(&plan, place(link.from), place(link.to)) {
                plan.aside.entry(ends).or_default().push(link);
            }
        }
        for ([a, b], decision) in asserted(answer) {
            if let Some(ends) = between(&plan, a, b) {
                plan.said.entry(ends).or_insert(decision);
            }
        }
        plan
    }
}

enum Hanging<'a> {
    One(usize),
    Group(Vec<usize>),
    Outside(Item<'a>),
}

struct Planner<'a> {
    plan: Plan<'a>,
    roots: Vec<usize>,
    /// Those that are drawn one by one, under those that are.
    children: BTreeMap<usize, Vec<(usize, Joint<'a>)>>,
    /// Those that are not, under the nearest one that is.
    behind: BTreeMap<Option<usize>, Vec<usize>>,
    cuts: BTreeMap<usize, Vec<&'a IdentityCut>>,
    single: HashSet<*const IdentityCut>,
    namespaces: Vec<&'a str>,
}

impl<'a> Planner<'a> {
    fn of(answer: &'a ExplainIdentityResponse, tree: &Tree<'a>) -> Self {
        let parents: HashMap<usize, (usize, Joint<'_>)> = tree
            .branches
            .iter()
            .filter_map(|branch| Some((branch.node, branch.under?)))
            .collect();
        let kept = kept(answer, tree, &parents);
        let mut planner = Self {
            plan: Plan::default(),
            roots: Vec::new(),
            children: BTreeMap::new(),
            behind: BTreeMap::new(),
            cuts: BTreeMap::new(),
            single: single(answer),
            namespaces: answer
                .identifiers
                .iter()
                .map(|i| i.namespace.as_str())
                .collect(),
        };
        for branch in &tree.branches {
            let node = branch.node;
            match (kept.contains(&node), branch.under) {
                (true, None) => planner.roots.push(node),
                (true, Some((parent, joint))) => {
                    let children = planner.children.entry(parent).or_default();
                    children.push((node, joint));
                }
                (false, under) => {
                    let mut above = under.map(|(parent, _)| parent);
                    while let Some(at) = above.filter(|at| !kept.contains(at)) {
                        above = parents.get(&at).map(|(parent, _)| *parent);
                    }
                    planner.behind.entry(above).or_default().push(node);
                }
            }
        }
        for cut in &answer.cuts {
            let place = usize::try_from(cut.from).unwrap_or(usize::MAX);
            if place < answer.identifiers.len() {
                planner.cuts.entry(place).or_default().push(cut);
            }
        }
        planner
    }

    /// What is drawn together under an identifier: one group for each namespace, unless these are too many.
    fn groups(&self, under: Option<usize>) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for node in self.behind.get(&under).into_iter().flatten() {
            groups
                .entry(self.namespaces[*node])
                .or_default()
                .push(*node);
        }
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        for group in &mut groups {
            group.sort_unstable();
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
        if groups.len() > GROUPS {
            let mut rest: Vec<usize> = groups.split_off(GROUPS - 1).concat();
            rest.sort_unstable();
            groups.push(rest);
        }
        groups.sort_by_key(|group| group[0]);
        groups
    }

    /// Places an item, and what hangs under it, from the current row on.
    fn place(
        &mut self,
        what: Hanging<'a>,
        column: usize,
        under: Option<usize>,
        joint: Option<Joint<'a>>,
    ) {
        let (item, places) = match what {
            Hanging::One(node) => (Item::One(node), vec![node]),
            Hanging::Group(nodes) if nodes.len() == 1 => (Item::One(nodes[0]), nodes),
            Hanging::Group(nodes) => (Item::Group(nodes.clone()), nodes),
            Hanging::Outside(item) => (item, Vec::new()),
        };
        let spot = self.plan.spots.len();
        if !places.is_empty() {
            self.plan.columns = self.plan.columns.max(column + 1);
        }
        for place in &places {
            self.plan.of_place.insert(*place, spot);
        }
        let single = matches!(item, Item::One(_));
        self.plan.spots.push(Spot {
            item,
            column,
            row: self.plan.rows,
            under,
            joint,
        });
        let mut hanging: Vec<(Hanging<'_>, Option<Joint<'_>>)> = Vec::new();
        if let (true, [node]) = (single, places.as_slice()) {
            let children = self.children.remove(node).unwrap_or_default().into_iter();
            hanging.extend(children.map(|(child, joint)| (Hanging::One(child), Some(joint))));
            let groups = self.groups(Some(*node)).into_iter();
            hanging.extend(groups.map(|group| (Hanging::Group(group), None)));
        }
        let outside = self.outside(&places).into_iter();
        hanging.extend(outside.map(|item| (Hanging::Outside(item), None)));
        for (n, (what, joint)) in hanging.into_iter().enumerate() {
            if n > 0 {
                self.plan.rows += 1;
            }
            self.place(what, column + 1, Some(spot), joint);
        }
    }

    /// The refused links of some identifiers.
    fn outside(&mut self, places: &[usize]) -> Vec<Item<'a>> {
        let cuts = places.iter().filter_map(|place| self.cuts.remove(place));
        let cuts: Vec<&IdentityCut> = cuts.flatten().collect();
        let (single, rest): (Vec<&IdentityCut>, Vec<&IdentityCut>) = cuts
            .into_iter()
            .partition(|cut| self.single.contains(&std::ptr::from_ref(*cut)));
        let mut items: Vec<Item<'_>> = single.into_iter().map(Item::Cut).collect();
        match rest.as_slice() {
            [] => (),
            [one] => items.push(Item::Cut(one)),
            _ => items.push(Item::Cuts(rest)),
        }
        items
    }

    /// Places identifiers that operators separated and to which there is no link, below everything else.
    fn part(&mut self, answer: &'a ExplainIdentityResponse) {
        let ours = places(answer);
        let mut seen: HashSet<(&str, &str)> = answer
            .cuts
            .iter()
            .filter_map(|cut| cut.to.as_ref())
            .map(|end| (end.namespace.as_str(), end.value.as_str()))
            .collect();
        for decision in &answer.decisions {
            if decision.kind() != DecisionKind::Separation {
                continue;
            }
            let name = |i: &'a Identifier| (i.namespace.as_str(), i.value.as_str());
            let is_ours = |side: &'a [Identifier]| side.iter().any(|i| ours.contains_key(&name(i)));
            let other = match (is_ours(&decision.chosen), is_ours(&decision.others)) {
                (true, false) => &decision.others,
                (false, true) => &decision.chosen,
                _ => continue,
            };
            let unlinked: Vec<&Identifier> =
                other.iter().filter(|i| seen.insert(name(i))).collect();
            let mut items: Vec<Item<'_>> = unlinked
                .iter()
                .take(PARTED)
                .map(|i| Item::Parted(i, decision))
                .collect();
            if unlinked.len() > PARTED {
                items.push(Item::MoreParted(unlinked.len() - PARTED, decision));
            }
            for item in items {
                self.place(Hanging::Outside(item), 0, None, None);
                self.plan.rows += 1;
            }
        }
    }
}

/// The identifiers that are drawn one by one: all, or the strongest and those of which there is something to say, with
/// whatever they hang under.
fn kept(
    answer: &ExplainIdentityResponse,
    tree: &Tree<'_>,
    parents: &HashMap<usize, (usize, Joint<'_>)>,
) -> BTreeSet<usize> {
    let count = answer.identifiers.len();
    let most = if count <= ALL { ALL } else { STRONGEST };
    let mut notable: HashSet<usize> = asserted(answer).into_iter().flat_map(|(e, _)| e).collect();
    let hub = |cut: &&IdentityCut| cut.rule() != CutRule::Hub;
    let ends = answer.cuts.iter().filter(hub).take(CUTS);
    notable.extend(ends.filter_map(|cut| usize::try_from(cut.from).ok()));
    let roots: HashSet<usize> = tree
        .branches
        .iter()
        .filter(|branch| branch.under.is_none())
        .map(|branch| branch.node)
        .collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|node| {
        (
            *node != 0,
            !notable.contains(node),
            !roots.contains(node),
            *node,
        )
    });
    let mut kept = BTreeSet::new();
    for node in order {
        let mut path = vec![node];
        while let Some((parent, _)) = path.last().and_then(|at| parents.get(at)) {
            path.push(*parent);
        }
        let new = path.iter().filter(|at| !kept.contains(*at)).count();
        if path.len() <= COLUMNS && kept.len() + new <= most {
            kept.extend(path);
        }
    }
    kept
}

/// The refused links that are drawn one by one: those at hubs last.
fn single(answer: &ExplainIdentityResponse) -> HashSet<*const IdentityCut> {
    let mut cuts: Vec<&IdentityCut> = answer.cuts.iter().collect();
    cuts.sort_by_key(|cut| cut.rule() == CutRule::Hub);
    let first = cuts.into_iter().take(CUTS);
    first.map(std::ptr::from_ref).collect()
}
