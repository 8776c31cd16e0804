//! Profiles, against their identities, links and decisions: the partition, the merged states, the homes.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Observer, PAGE, Report, Sample};
use crate::{
    error::Error,
    identity::{Home, Members, namespace::rule},
    ids::{IdentityKey, ProfileId},
    ingest::{
        plan::Context,
        standalone::{Standalone, standalone},
    },
    profile::State,
    storage::{
        identities::{self, Identity},
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
    let mut sample = Sample {
        report: std::mem::take(report),
        profiles: Vec::new(),
    };
    while let Some((end, members)) = page(connection, context, last, &mut sample).await? {
        last = end;
        listed += members;
        sample.profiles.clear();
        observer(&sample.report);
    }
    *report = sample.report;
    let listed = u64::try_from(listed).unwrap_or(u64::MAX);
    if listed != report.identities {
        report.differs(format!(
            "profiles list {listed} identities, but there are {}",
            report.identities
        ));
    }
    Ok(())
}

/// Checks the profiles of one page; says which was the last, and how many identities they list.
pub(super) async fn page(
    connection: &mut PgConnection,
    context: Context<'_>,
    last: ProfileId,
    sample: &mut Sample,
) -> Result<Option<(ProfileId, usize)>, Error> {
    let page = profiles::after(connection, context.tenant, last, PAGE).await?;
    let Some(end) = page.last().map(|p| p.id) else {
        return Ok(None);
    };
    let live: Vec<&Profile> = page.iter().filter(|p| p.members_total > 0).collect();
    let keys: Vec<IdentityKey> = live
        .iter()
        .flat_map(|p| p.members.iter().flat_map(Members::keys))
        .collect();
    let members = load(connection, context, &keys).await?;
    let ids: Vec<ProfileId> = live.iter().map(|p| p.id).collect();
    let resolved = standalone(connection, context, &ids).await?;
    let mut listed = 0;
    for profile in live {
        check(profile, &members, &mut sample.report)?;
        if profile.rules == context.revision {
            check_set(profile, resolved.get(&profile.id), &mut sample.report);
        }
        listed += profile.members_total;
        sample.report.profiles += 1;
    }
    sample.profiles.extend(ids);
    Ok(Some((end, listed)))
}

async fn load(
    connection: &mut PgConnection,
    context: Context<'_>,
    keys: &[IdentityKey],
) -> Result<HashMap<IdentityKey, Identity>, Error> {
    let wanted: Vec<identities::Wanted> = keys
        .iter()
        .copied()
        .map(identities::Wanted::whole)
        .collect();
    let members = identities::load(connection, context.tenant, &wanted).await?;
    Ok(members.into_iter().map(|m| (m.key, m)).collect())
}

/// Checks a profile against its identities: the merged state and the home.
fn check(
    profile: &Profile,
    members: &HashMap<IdentityKey, Identity>,
    report: &mut Report,
) -> Result<(), Error> {
    let id = profile.id;
    let mut state = State::default();
    let mut home: Option<(IdentityKey, Home)> = None;
    let mut own_home = false;
    for (rank, key) in profile.members.iter().flat_map(Members::iter) {
        let Some(member) = members.get(&key).filter(|member| member.present) else {
            report.differs(format!("profile {id}: lists {key}, which is no identity"));
            continue;
        };
        if member.profile != id || rank != rule(&member.identifier.namespace).anchor_rank {
            report.differs(format!("profile {id}: lists {key}, which says otherwise"));
        }
        if member.apart != profile.apart.contains(&key) {
            report.differs(format!("profile {id}: {key} says otherwise what it lends"));
        }
        if let Some(held) = &member.state {
            let lent = if member.apart {
                held.binding()
            } else {
                held.clone()
            };
            state
                .merge(lent)
                .map_err(|e| Error::bug("verifying a profile", e))?;
        }
        let candidate = Home {
            identifier: member.identifier.clone(),
            first_seen: member.first_seen,
        };
        own_home |= key == profile.home_key && candidate == profile.home;
        if home
            .as_ref()
            .is_none_or(|(_, best)| candidate.order() < best.order())
        {
            home = Some((key, candidate));
        }
    }
    if state != profile.state {
        report.differs(format!(
            "profile {id}: its state is not the merge of its identities' states"
        ));
    }
    let strongest = home == Some((profile.home_key, profile.home.clone()));
    if !(strongest || profile.keeps_home && own_home) {
        report.differs(format!(
            "profile {id}: its home is not its strongest oldest identifier"
        ));
    }
    if profile.members_total != profile.members.as_ref().map_or(0, Members::len) {
        report.differs(format!("profile {id}: counts its members wrong"));
    }
    Ok(())
}

/// Checks a profile against what its links and decisions resolve to.
fn check_set(profile: &Profile, resolved: Option<&Standalone>, report: &mut Report) {
    let id = profile.id;
    match resolved {
        Some(Standalone::Sets {
            sets,
            apart,
            makeup,
        }) => {
            if sets.len() != 1 {
                report.differs(format!(
                    "profile {id}: is not one set by its links, but {}",
                    sets.len()
                ));
            }
            if *apart != profile.apart {
                report.differs(format!("profile {id}: lends what it should not, or less"));
            }
            if *makeup != profile.makeup {
                report.differs(format!("profile {id}: is made of something else"));
            }
        }
        Some(Standalone::Joins(other)) => {
            report.differs(format!("profile {id}: is one with {other} by their links"));
        }
        None => report.differs(format!("profile {id}: cannot be resolved")),
    }
}
