//! Profiles, against their identities: the partition, the merged states, the homes.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Observer, PAGE, Report};
use crate::{
    error::Error,
    identity::{Home, Members, components::components, namespace::rule},
    ids::{IdentityKey, ProfileId},
    ingest::plan::Context,
    profile::State,
    storage::{
        identities::{self, Identity},
        links::{self, Link},
        profiles::{self, Profile},
    },
};

pub(super) async fn verify(
    connection: &mut PgConnection,
    context: Context<'_>,
    report: &mut Report,
    observer: &Observer,
) -> Result<(), Error> {
    let mut last = ProfileId::from_uuid(Uuid::nil());
    let mut listed = 0;
    loop {
        let page = profiles::after(connection, context.tenant, last, PAGE).await?;
        let Some(end) = page.last().map(|p| p.id) else {
            break;
        };
        last = end;
        let live: Vec<&Profile> = page.iter().filter(|p| p.members_total > 0).collect();
        let keys: Vec<IdentityKey> = live
            .iter()
            .flat_map(|p| p.members.iter().flat_map(Members::keys))
            .collect();
        let (members, linked) = load(connection, context, &keys).await?;
        for profile in live {
            check(profile, &members, &linked, report)?;
            listed += profile.members_total;
            report.profiles += 1;
        }
        observer(report);
    }
    let listed = u64::try_from(listed).unwrap_or(u64::MAX);
    if listed != report.identities {
        report.differs(format!(
            "profiles list {listed} identities, but there are {}",
            report.identities
        ));
    }
    Ok(())
}

type Loaded = (
    HashMap<IdentityKey, Identity>,
    HashMap<IdentityKey, Vec<Link>>,
);

async fn load(
    connection: &mut PgConnection,
    context: Context<'_>,
    keys: &[IdentityKey],
) -> Result<Loaded, Error> {
    let wanted: Vec<identities::Wanted> = keys
        .iter()
        .map(|key| identities::Wanted {
            key: *key,
            state: true,
            subjects: true,
        })
        .collect();
    let members = identities::load(connection, context.tenant, &wanted).await?;
    let mut linked: HashMap<IdentityKey, Vec<Link>> = HashMap::new();
    for link in links::of(connection, context.tenant, keys).await? {
        linked.entry(link.key).or_default().push(link);
    }
    Ok((members.into_iter().map(|m| (m.key, m)).collect(), linked))
}

fn check(
    profile: &Profile,
    members: &HashMap<IdentityKey, Identity>,
    linked: &HashMap<IdentityKey, Vec<Link>>,
    report: &mut Report,
) -> Result<(), Error> {
    let id = profile.id;
    let mut state = State::default();
    let mut home: Option<(IdentityKey, Home)> = None;
    let mut edges = Vec::new();
    let listed: Vec<(u8, IdentityKey)> = profile.members.iter().flat_map(Members::iter).collect();
    let among: HashSet<IdentityKey> = listed.iter().map(|(_, key)| *key).collect();
    for (rank, key) in listed {
        let Some(member) = members.get(&key) else {
            report.differs(format!("profile {id}: lists {key}, which is no identity"));
            continue;
        };
        if member.profile != id || rank != rule(&member.identifier.namespace).anchor_rank {
            report.differs(format!("profile {id}: lists {key}, which says otherwise"));
        }
        if let Some(own) = &member.state {
            state
                .merge(own.clone())
                .map_err(|e| Error::bug("verifying a profile", e))?;
        }
        let candidate = Home {
            identifier: member.identifier.clone(),
            first_seen: member.first_seen,
        };
        if home
            .as_ref()
            .is_none_or(|(_, best)| candidate.order() < best.order())
        {
            home = Some((key, candidate));
        }
        edges.extend(
            linked
                .get(&key)
                .into_iter()
                .flatten()
                .map(|link| (link.key, link.other)),
        );
    }
    if state != profile.state {
        report.differs(format!(
            "profile {id}: its state is not the merge of its identities' states"
        ));
    }
    if home != Some((profile.home_key, profile.home.clone())) {
        report.differs(format!(
            "profile {id}: its home is not its strongest oldest identifier"
        ));
    }
    if let Some((key, other)) = edges.iter().find(|(_, other)| !among.contains(other)) {
        report.differs(format!(
            "profile {id}: a link leads from {key} to {other}, which it does not list"
        ));
    }
    if components(among, edges).len() != 1 {
        report.differs(format!("profile {id}: is not one set by its links"));
    } else if profile.members_total != profile.members.as_ref().map_or(0, Members::len) {
        report.differs(format!("profile {id}: counts its members wrong"));
    }
    Ok(())
}
