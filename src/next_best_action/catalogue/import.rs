//! Reading a catalogue.

use super::{
    Document, Entry,
    check::{self, CheckRule, Known},
    decode,
    limits::{MAX_DOCUMENTS, MAX_YAML_BYTES},
    node::Node,
    violation::{
        Findings, Path, Violation,
        reason::{DUPLICATE_NAME, REQUIRED, TOO_LARGE, TOO_MANY},
    },
    yaml,
};
use crate::next_best_action::model::{Definition, Policy, Segment, Status, Valid};

/// Texts taken apart, not checked yet.
#[derive(Debug)]
pub struct Decoded {
    texts: Vec<(Option<Node>, Document)>,
    found: Findings,
}

/// What an import brings, checked together with what is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Settings, if any text has them.
    pub policy: Option<Valid<Policy>>,
    /// Segments, in the order of the texts.
    pub segments: Vec<Valid<Segment>>,
    /// Actions, in the order of the texts, and where each is to stand.
    pub actions: Vec<(Valid<Definition>, Status)>,
}

/// Takes texts apart. What is wrong with their form comes with what [`Decoded::check`] finds.
#[must_use]
pub fn take_apart(texts: &[&str]) -> Decoded {
    let mut found = Findings::default();
    let root = Path::Root;
    let documents = root.key("documents");
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    if texts.len() > MAX_DOCUMENTS {
        found.add(documents, TOO_MANY, format!("at most {MAX_DOCUMENTS}"));
    }
    if bytes > MAX_YAML_BYTES {
        let most = format!("at most {MAX_YAML_BYTES} bytes together");
        found.add(documents, TOO_LARGE, most);
    }
    if texts.is_empty() {
        found.add(documents, REQUIRED, "at least one text");
    }
    let readable = if found.is_empty() { texts } else { &[] };
    let texts = readable.iter().enumerate().map(|(place, text)| {
        let path = documents.item(place);
        let tree = yaml::read(text, path, &mut found);
        let document = tree
            .as_ref()
            .map(|tree| decode::document(tree, path, &mut found));
        (tree, document.unwrap_or_default())
    });
    Decoded {
        texts: texts.collect(),
        found,
    }
}

impl Decoded {
    /// The segments that the texts define, for a rule checker that has to know them beforehand.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.texts
            .iter()
            .flat_map(|(_, document)| &document.segments)
    }

    /// The settings of the texts, unchecked.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        let documents = self.texts.iter().map(|(_, document)| document);
        documents.filter_map(|document| document.policy.as_ref())
    }

    /// Checks everything, together with what is there already: an action that is there is replaced by one with its id, and the
    /// settings by those of the texts.
    ///
    /// # Errors
    /// With everything that is wrong, form included; then nothing is to be imported.
    pub fn check(
        self,
        known: &Known<'_>,
        rules: &impl CheckRule,
    ) -> Result<Import, Vec<Violation>> {
        let Self { texts, found: form } = self;
        let mut found = Findings::default();
        let root = Path::Root;
        let all = root.key("documents");
        let mut policies = texts
            .iter()
            .enumerate()
            .filter_map(|(place, (_, document))| Some((place, document.policy.as_ref()?)));
        let first = policies.next();
        for (place, _) in policies {
            found.add(
                all.item(place).key("policy"),
                DUPLICATE_NAME,
                "is said twice",
            );
        }
        let policy = first.map(|(_, policy)| policy).or(known.policy);
        let place = all.item(first.map_or(0, |(place, _)| place));
        let policy_path = if first.is_some() {
            place.key("policy")
        } else {
            root.key("stored")
        };
        let segments: Vec<(usize, usize, &Segment)> = numbered(&texts, |text| &text.segments);
        let actions: Vec<(usize, usize, &Entry)> = numbered(&texts, |text| &text.actions);
        for (text, place, segment) in &segments {
            let (text, list) = (all.item(*text), "segments");
            check::segment(text.key(list).item(*place), segment, rules, &mut found);
        }
        if let Some(policy) = policy {
            check::policy(policy_path, policy, &mut found);
            for (text, place, entry) in &actions {
                let (text, list) = (all.item(*text), "actions");
                let list = text.key(list);
                check::action(
                    list.item(*place),
                    &entry.definition,
                    policy,
                    rules,
                    &mut found,
                );
            }
            let given = actions.iter().map(|(text, place, entry)| check::Part {
                text: Some((*text, *place)),
                definition: &entry.definition,
                status: entry.status,
            });
            check::whole(
                policy_path,
                policy,
                &given.collect::<Vec<_>>(),
                known,
                &mut found,
            );
        } else if form.is_empty() {
            found.add(
                all,
                REQUIRED,
                "there is no policy yet: one of the texts needs one",
            );
        }
        check::segments(&segments, known, &mut found);
        let mut every = form;
        every.add_those_that_do_not_follow(found);
        every.fill_lines(|path| line(&texts, path));
        every.finish(())?;
        Ok(vouch(texts))
    }
}

/// The line of a path that begins with `documents[i]`.
fn line(texts: &[(Option<Node>, Document)], path: &str) -> Option<u32> {
    let (index, rest) = path.strip_prefix("documents[")?.split_once(']')?;
    let (tree, _) = texts.get(index.parse::<usize>().ok()?)?;
    Some(tree.as_ref()?.line_at(rest))
}

fn numbered<'t, T>(
    texts: &'t [(Option<Node>, Document)],
    list: impl Fn(&'t Document) -> &'t Vec<T>,
) -> Vec<(usize, usize, &'t T)> {
    let mut all = Vec::new();
    for (text, (_, document)) in texts.iter().enumerate() {
        let items = list(document).iter().enumerate();
        all.extend(items.map(|(place, item)| (text, place, item)));
    }
    all
}

fn vouch(texts: Vec<(Option<Node>, Document)>) -> Import {
    let mut import = Import {
        policy: None,
        segments: Vec::new(),
        actions: Vec::new(),
    };
    for (_, document) in texts {
        let policy = document
            .policy
            .map(|policy| Valid::vouch(policy.canonical()));
        import.policy = import.policy.or(policy);
        let segments = document.segments.into_iter().map(Valid::vouch);
        import.segments.extend(segments);
        let actions = document.actions.into_iter();
        import.actions.extend(
            actions.map(|entry| (Valid::vouch(entry.definition.canonical()), entry.status)),
        );
    }
    import
}
