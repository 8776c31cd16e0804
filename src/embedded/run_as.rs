//! As whom the server runs: Postgres refuses to run as root, so root hands it to an unprivileged user.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use super::error::Error;

/// Libraries of a relocated installation are found through these.
const KEPT_VARIABLES: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// The user of every process that is started here.
#[derive(Clone, Debug)]
pub(super) struct RunAs {
    /// User and group, when they are not our own.
    ids: Option<(u32, u32)>,
}

impl RunAs {
    /// Ourselves, unless we are root; a cluster that exists is served by its owner, whoever else has appeared since.
    pub(super) fn choose(cluster: &Path) -> Result<Self, Error> {
        if id(&["-u"]) != Some(0) {
            return Ok(Self { ids: None });
        }
        if let Ok(made) = fs::metadata(cluster)
            && made.uid() != 0
        {
            return Ok(Self {
                ids: Some((made.uid(), made.gid())),
            });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
            .filter(|(user, _)| *user != 0)
            .map(|ids| Self { ids: Some(ids) })
            .ok_or(Error::NoUser)
    }

    /// Whether it is another user than the one we run as.
    pub(super) fn is_other(&self) -> bool {
        self.ids.is_some()
    }

    /// A command as this user, in a process group of its own, so that ctrl-C at the terminal reaches only the service,
    /// which then drains while its database still answers.
    ///
    /// The environment is emptied: it may hold secrets of the service, and `PG*` variables meant for other servers.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(KEPT_VARIABLES.iter().filter_map(|name| {
                let value = env::var_os(name)?;
                Some((*name, value))
            }))
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes a directory that only this user may enter; fails when there is one.
    pub(super) fn create_private(&self, dir: &Path) -> Result<(), Error> {
        let make = || {
            fs::create_dir(dir)?;
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
            match self.ids {
                Some((user, group)) => std::os::unix::fs::chown(dir, Some(user), Some(group)),
                None => Ok(()),
            }
        };
        make().map_err(|source| Error::io("create", dir, source))
    }

    /// Whether this user may pass through a directory, by its mode.
    pub(super) fn may_enter(&self, dir: &fs::Metadata) -> bool {
        let Some((user, group)) = self.ids else {
            return true;
        };
        let bit = if dir.uid() == user {
            0o100
        } else if dir.gid() == group {
            0o010
        } else {
            0o001
        };
        dir.mode() & bit != 0
    }

    /// For messages.
    pub(super) fn describe(&self) -> String {
        self.ids.map_or_else(
            || "this user".to_owned(),
            |(user, _)| format!("user {user}"),
        )
    }
}

/// Std does not tell who we are, and the program may be linked to no libc's lookup of names: `id` does both.
fn id(arguments: &[&str]) -> Option<u32> {
    let answer = Command::new("id").args(arguments).output().ok()?;
    let text = answer.status.success().then_some(answer.stdout)?;
    String::from_utf8(text).ok()?.trim().parse().ok()
}
